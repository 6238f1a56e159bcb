import SandboxStore

/// Why processes cannot be isolated on this machine, or one isolated process could not be started.
package struct IsolationError: Error, Sendable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        private enum Value { case missingTool, namespacesForbidden, startFailed, gone }
        private let value: Value

        /// A program of util-linux or coreutils is not installed.
        package static var missingTool: Code { Code(value: .missingTool) }
        /// The kernel, a container runtime or a security policy does not let this process make user namespaces.
        package static var namespacesForbidden: Code { Code(value: .namespacesForbidden) }
        /// The process ended before it was ready.
        package static var startFailed: Code { Code(value: .startFailed) }
        /// The namespaces have ended: the node is off or the sandbox has stopped.
        package static var gone: Code { Code(value: .gone) }
    }

    package let code: Code
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
