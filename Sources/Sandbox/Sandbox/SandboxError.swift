import SandboxStore

/// Why a sandbox could not be started or kept, with what to do about it.
package struct SandboxError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
