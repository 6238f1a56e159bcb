import Files
import Foundation

extension ClusterConfiguration {
    /// The process's surroundings; tests give their own.
    public struct Surroundings: Sendable {
        public var environment: [String: String]
        public var home: String
        /// Where a pod finds its ServiceAccount's `token`, `ca.crt` and `namespace`.
        public var serviceAccountFolder: String

        public init(environment: [String: String], home: String, serviceAccountFolder: String) {
            self.environment = environment
            self.home = home
            self.serviceAccountFolder = serviceAccountFolder
        }

        public static var process: Self {
            let environment = ProcessInfo.processInfo.environment
            return Surroundings(
                environment: environment, home: environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory(),
                serviceAccountFolder: "/var/run/secrets/kubernetes.io/serviceaccount")
        }
    }

    /// Loads the configuration in kubectl's order: `--kubeconfig` alone; else the files of `KUBECONFIG`, merged; else
    /// `~/.kube/config`; else, in a pod, its ServiceAccount.
    ///
    /// - Throws: ``KubernetesError`` that names the file and the next step.
    public static func load(
        _ overrides: KubeconfigOverrides = KubeconfigOverrides(), in surroundings: Surroundings = .process
    ) throws(KubernetesError) -> ClusterConfiguration {
        var warnings: [String] = []
        let kubeconfig = try readFiles(overrides, surroundings, &warnings)
        let resolver = KubeconfigResolver(kubeconfig: kubeconfig, overrides: overrides, surroundings: surroundings)
        var configuration = try resolver.resolve()
        configuration.warnings = warnings + configuration.warnings
        configuration.namedKubeconfig = overrides.kubeconfig
        return configuration
    }

    private static func readFiles(
        _ overrides: KubeconfigOverrides, _ surroundings: Surroundings, _ warnings: inout [String]
    ) throws(KubernetesError) -> Kubeconfig {
        var kubeconfig = Kubeconfig()
        if let path = overrides.kubeconfig {
            guard FileManager.default.fileExists(atPath: path) else {
                throw KubernetesError(
                    .configurationMissing, "\(path): this kubeconfig does not exist", hint: "Check the path given to --kubeconfig.")
            }
            try kubeconfig.merge(KubeconfigText.parse(readFile(path), path: path), from: path)
            return kubeconfig
        }
        let variable = surroundings.environment["KUBECONFIG"] ?? ""
        var seen: Set<String> = []
        let listed = variable.split(separator: ":").map(String.init).filter { seen.insert($0).inserted }
        for path in variable.isEmpty ? ["\(surroundings.home)/.kube/config"] : listed {
            if FileManager.default.fileExists(atPath: path) {
                try kubeconfig.merge(KubeconfigText.parse(readFile(path), path: path), from: path)
            } else if !variable.isEmpty {
                warnings.append("\(path), named by KUBECONFIG, does not exist")
            }
        }
        return kubeconfig
    }

    private static func readFile(_ path: String) throws(KubernetesError) -> [UInt8] {
        do {
            return try InputFile.bytes(path)
        } catch {
            throw KubernetesError(.configurationInvalid, "\(path): \(reason(error))", hint: "Check the file and its permissions.")
        }
    }

    static func readBytes(_ path: String, for field: String, hint: String) throws(KubernetesError) -> [UInt8] {
        do {
            return try InputFile.bytes(path)
        } catch {
            throw KubernetesError(.certificateUnreadable, "\(path) (\(field)): \(reason(error))", hint: hint)
        }
    }

    /// Why a file cannot be read, without its name.
    static func reason(_ error: any Error) -> String {
        if let error = error as? UnwrittenPipe { return error.description }
        if (error as? CocoaError)?.code == .fileReadTooLarge { return "it is too large" }
        return switch (error as? POSIXError)?.code {
        case .ENOENT?: "there is no such file"
        case .EACCES?: "permission denied"
        case .EISDIR?: "it is a folder"
        default: "it cannot be read"
        }
    }
}
