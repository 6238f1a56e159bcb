/// A password that does not show when a value that holds it is printed, logged or dumped.
public struct TDSPassword: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The secret itself.
    public let revealed: String

    public init(_ text: String) { self.revealed = text }

    public init(stringLiteral text: String) { self.revealed = text }

    public var description: String { "(hidden)" }
    public var debugDescription: String { "(hidden)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
