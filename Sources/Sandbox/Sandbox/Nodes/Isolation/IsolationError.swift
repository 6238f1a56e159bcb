/// Why processes cannot be isolated on this machine, or one isolated process could not be started.
public struct IsolationError: Error, Sendable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        private enum Value { case missingTool, namespacesForbidden, startFailed, gone }
        private let value: Value

        /// A program of util-linux or coreutils is not installed.
        public static var missingTool: Code { Code(value: .missingTool) }
        /// The kernel, a container runtime or a security policy does not let this process make user namespaces.
        public static var namespacesForbidden: Code { Code(value: .namespacesForbidden) }
        /// The process ended before it was ready.
        public static var startFailed: Code { Code(value: .startFailed) }
        /// The namespaces have ended: the node is off or the sandbox has stopped.
        public static var gone: Code { Code(value: .gone) }
    }

    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
