import Certificates
import Foundation
import Glibc
import NIOSSL
import Proxies
import Subprocess
import Testing

@testable import Kubernetes

/// The same kubeconfig, given to the real kubectl and to this client: which server and which proxy is asked, by whom, and for which
/// namespace; for a request and for a command in a container.
@Suite struct KubectlTableTests {
    static let isInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/kubectl") }

    @Test(.enabled(if: isInstalled, "kubectl is not installed")) func kubectlAndThisClientDoTheSame() async throws {
        #expect(KubeconfigCase.all.count >= 120)
        try await Bench.run { bench in
            for line in KubeconfigCase.all {
                let kubectl = try await bench.kubectl(line)
                let ours = try await bench.ours(line)
                switch line.expectation {
                case .same:
                    #expect(ours.works == kubectl.works, "\(line.name): ours \(ours), kubectl \(kubectl)")
                    #expect(ours.records == kubectl.records, "\(line.name): \(ours), kubectl \(kubectl)")
                    #expect(Set(ours.proxied) == Set(kubectl.proxied), "\(line.name)")
                case .oursWorks(let reason):
                    #expect(ours.works && !kubectl.works, "\(line.name) (\(reason)): ours \(ours), kubectl \(kubectl)")
                case .oursRefuses(let reason):
                    #expect(!ours.works && kubectl.works, "\(line.name) (\(reason)): ours \(ours), kubectl \(kubectl)")
                }
            }
        }
    }

    /// A failure is the proxy's, with its name and without its password.
    @Test(.enabled(if: isInstalled, "kubectl is not installed")) func aProxysFailureNamesTheProxy() async throws {
        try await Bench.run { bench in
            for (name, variable) in [
                ("an HTTP proxy with a wrong login", "proxy-url"), ("a proxy that is not there", "proxy-url"),
                ("a SOCKS proxy with a wrong login", "proxy-url"), ("an HTTP proxy without the login", "proxy-url"),
            ] {
                let line = try #require(KubeconfigCase.all.first { $0.name == name })
                let answer = try await bench.ours(line)
                let errors = [answer.problem, answer.execProblem]
                #expect(
                    errors.allSatisfy {
                        $0.contains("the proxy ") && $0.contains(variable) && !$0.contains("wrong@") && !$0.contains("secret")
                    },
                    "\(name): \(errors)")
            }
        }
    }
}

/// The servers, the proxies and the credentials of the table.
private final class Bench {
    struct Answer: CustomStringConvertible {
        var works: Bool
        var records: [String]
        var proxied: [String]
        var problem = ""
        /// The same of a command in a container, where the pod could not be read.
        var execProblem = ""

        var description: String { "\(works ? "works" : "fails") \(records) through \(proxied) \(problem)" }
    }

    private let api: RecordingAPI
    private let proxies: [TestProxy]
    private let words: [(String, String)]

    private init(api: RecordingAPI, proxies: [TestProxy], words: [String: String]) {
        self.api = api
        self.proxies = proxies
        // The longest first: some begin with another one.
        self.words = words.sorted { ($1.key.count, $0.key) < ($0.key.count, $1.key) }
    }

    static func run(_ body: (Bench) async throws -> Void) async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let other = try CertificateAuthority(name: "other")
        let inner = try authority.issueAuthority(name: "inner authority")
        let server = try authority.issue(name: "server", hosts: ["localhost", "api.test"])
        let named = try authority.issue(
            name: "named", addresses: [[10, 1, 2, 3], [0xFD, 0] + Array(repeating: 0, count: 13) + [1]], hosts: ["inner.test"])
        var chained = try inner.issue(name: "chained")
        chained.certificate += "\n" + (try inner.pem)
        let admin = try authority.issue(name: "admin")
        let api = RecordingAPI()
        let tls = try [server, named, chained].map { try authority.optionalTLS($0) }
        try await TestServer.run(tls: tls[0], { api.answer("server", $0, $1) }) { first in
            try await TestServer.run(tls: tls[1], { api.answer("named", $0, $1) }) { second in
                try await TestServer.run(tls: tls[2], { api.answer("inner", $0, $1) }) { third in
                    try await TestServer.run({ api.answer("plain", $0, $1) }) { plain in
                        try await TestProxy.run { proxy in
                            try await TestProxy.run(tls: try authority.optionalTLS(server)) { tlsProxy in
                                try await TestProxy.run(login: "me:secret") { loginProxy in
                                    func data(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
                                    func line(_ text: String) -> String { text.replacingOccurrences(of: "\n", with: "\\n") }
                                    let words = [
                                        "SERVER": "https://127.0.0.1:\(first.port)", "SERVERAUTHORITY": "127.0.0.1:\(first.port)",
                                        "SERVERPORT": "\(first.port)", "NAMED": "https://127.0.0.1:\(second.port)",
                                        "INNER": "https://127.0.0.1:\(third.port)", "PLAIN": "http://127.0.0.1:\(plain.port)",
                                        "PLAINAUTHORITY": "127.0.0.1:\(plain.port)", "PLAINPORT": "\(plain.port)",
                                        "PROXYPORT": "\(proxy.port)", "TLSPROXYPORT": "\(tlsProxy.port)", "LOGINPORT": "\(loginProxy.port)",
                                        "CADATA": data(try authority.pem), "CATEXT": try authority.pem,
                                        "OTHERCADATA": data(try other.pem), "OTHERCATEXT": try other.pem,
                                        "INNERDATA": data(try inner.pem), "CERTDATA": data(admin.certificate),
                                        "CERTTEXT": admin.certificate, "CERTLINE": line(admin.certificate),
                                        "KEYDATA": data(admin.key), "KEYTEXT": admin.key, "KEYLINE": line(admin.key),
                                        "OTHERKEYDATA": data(server.key),
                                    ]
                                    try await body(Bench(api: api, proxies: [proxy, tlsProxy, loginProxy], words: words))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: One line

    private func filled(_ text: String, _ folder: String) -> String {
        (words + [("FOLDER", folder)]).reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    private func write(_ line: KubeconfigCase, to folder: String) throws {
        for (name, text) in line.files {
            let file = URL(fileURLWithPath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            let content = filled(text, folder)
            let encoded = line.encoding == .utf8 ? Data(content.utf8) : content.data(using: line.encoding) ?? Data()
            try (Data(line.mark) + encoded).write(to: file)
            if text.hasPrefix("#!") { chmod(file.path, 0o755) }
        }
    }

    private func environment(_ line: KubeconfigCase, _ folder: String) -> [String: String] {
        var environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": folder]
        for (name, value) in line.environment {
            environment[name] = filled(value, folder).replacingOccurrences(
                of: "/bin:/usr/bin:/bin", with: "/bin:\(environment["PATH"] ?? "")")
        }
        return environment
    }

    private func forget() {
        api.forget()
        for proxy in proxies { proxy.forget() }
    }

    private func answer(_ works: Bool, _ problem: String = "", _ execProblem: String = "") -> Answer {
        Answer(works: works, records: api.records, proxied: proxies.flatMap(\.targets), problem: problem, execProblem: execProblem)
    }

    func kubectl(_ line: KubeconfigCase) async throws -> Answer {
        let folder = try TemporaryFolder()
        try write(line, to: folder.path)
        forget()
        var arguments = line.flags.filter { $0.key != "pipe" }.map { "--\($0)=\(filled($1, folder.path))" }
        arguments += ["exec", "p", "-c", "c", "--", "true"]
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment(line, folder.path) { variables[Environment.Key(stringLiteral: name)] = value }
        let isPipe = line.flags["pipe"] != nil
        let file = isPipe ? filled(line.flags["kubeconfig"] ?? "", folder.path) : ""
        if isPipe { arguments = arguments.map { $0.hasPrefix("--kubeconfig=") ? "--kubeconfig=/dev/stdin" : $0 } }
        let result = try await Subprocess.run(
            .name(isPipe ? "sh" : "kubectl"),
            arguments: Arguments(isPipe ? ["-c", "cat \"$0\" | kubectl \"$@\"", file] + arguments : arguments),
            environment: .custom(variables), input: .none, output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        // Its exit code is the status that the server sent. Output that comes before kubectl has its stream ready is dropped by kubectl
        // ("Unknown stream id 1"), so that the output proves nothing more.
        return answer(result.terminationStatus.isSuccess, result.standardError)
    }

    func ours(_ line: KubeconfigCase) async throws -> Answer {
        let folder = try TemporaryFolder()
        try write(line, to: folder.path)
        forget()
        let environment = environment(line, folder.path)
        func flag(_ name: String) -> String? { line.flags[name].map { filled($0, folder.path) } }
        var overrides = KubeconfigOverrides(
            kubeconfig: flag("kubeconfig"), context: flag("context"), cluster: flag("cluster"), user: flag("user"),
            namespace: flag("namespace"), server: flag("server"), tlsServerName: flag("tls-server-name"),
            certificateAuthority: flag("certificate-authority"),
            insecureSkipTLSVerify: flag("insecure-skip-tls-verify").map { $0 == "true" }, as: flag("as"), requestTimeout: .seconds(10))
        if line.flags["pipe"] != nil, let file = overrides.kubeconfig {
            let pipe = "\(folder.path)/pipe"
            mkfifo(pipe, 0o600)
            overrides.kubeconfig = pipe
            let text = try Data(contentsOf: URL(fileURLWithPath: file))
            Thread.detachNewThread { try? FileHandle(forWritingTo: URL(fileURLWithPath: pipe)).write(contentsOf: text) }
        }
        let client: KubernetesClient
        do {
            let surroundings = ClusterConfiguration.Surroundings(
                environment: environment, home: folder.path, serviceAccountFolder: "\(folder.path)/serviceaccount")
            client = try KubernetesClient(ClusterConfiguration.load(overrides, in: surroundings))
        } catch {
            return answer(false, "\(error)")
        }
        do {
            _ = try await client.get(Pod.self, "p")
            let result = try await client.exec(["true"], pod: "p", container: "c")
            return answer(result.isSuccess && result.text == "ok")
        } catch {
            let records = answer(false, "\(error)")
            do {
                _ = try await client.exec(["true"], pod: "p", container: "c")
                return records
            } catch let execError {
                var both = records
                both.execProblem = "\(execError)"
                return both
            }
        }
    }
}
