/// Why a sandbox could not be started or kept, with what to do about it.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
