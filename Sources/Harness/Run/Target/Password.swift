public import Experiment
import Fault
import Files
import Foundation
import Journal
import Kubernetes
import Secrets

/// The source of a password on this machine.
public enum LocalPassword: Sendable {
    case environment(String)
    case file(String)

    /// The error of a password that cannot be read.
    public struct Missing: Error, CustomStringConvertible {
        public var description: String
    }

    /// Reads it without the final line break of editors and `echo`. Removes the variable from the environment that child processes inherit.
    public func read() throws(Missing) -> String {
        switch self {
        case .environment(let name):
            KnownSecrets.hide(variable: name)
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw Missing(description: "the environment variable \(name) is not set")
            }
            return value
        case .file(let path):
            do {
                return Self.line(try InputFile.text(path))
            } catch {
                throw Missing(description: "the password file \(path) cannot be read: \(words(for: error))")
            }
        }
    }

    /// A file from Windows may also begin with a byte order mark.
    public static func line(_ text: String) -> String {
        let text = text.trimmingPrefix("\u{FEFF}")
        return String(text.last?.isNewline == true ? text.dropLast() : text)
    }
}

extension Experiment.Login {
    /// Removes the password's variable, if it comes from one, from the environment of the programs that this one starts.
    public func hideVariable() {
        if case .environment(let name) = passwordFrom { KnownSecrets.hide(variable: name) }
    }
}

/// Reads the login's password from the experiment's source. The password is never printed, and it is masked in output of servers and
/// programs.
struct PasswordResolver: Sendable {
    let client: KubernetesClient
    let namespace: String

    func resolve(_ source: Experiment.Login.PasswordSource) async throws -> String {
        let password = try await find(source)
        KnownSecrets.add(password)
        return password
    }

    private func find(_ source: Experiment.Login.PasswordSource) async throws -> String {
        switch source {
        case .environment(let name): return try read(.environment(name), hint: "export it before the run")
        case .file(let path): return try read(.file(path), hint: nil)
        case .secret(let name, let key):
            guard let secret = try await client.find(Secret.self, name, in: namespace) else {
                throw TargetError(
                    check: "password", message: "the Secret \(namespace)/\(name) does not exist",
                    hint: "create it, or set spec.target.login.passwordFrom")
            }
            guard let data = secret.data?[key] else {
                let keys = (secret.data ?? [:]).keys.sorted().joined(separator: ", ")
                throw TargetError(check: "password", message: "the Secret \(namespace)/\(name) has no key '\(key)'", hint: "it has \(keys)")
            }
            return String(decoding: data, as: UTF8.self)
        }
    }

    private func read(_ password: LocalPassword, hint: String?) throws -> String {
        do {
            return try password.read()
        } catch {
            throw TargetError(check: "password", message: "\(error)", hint: hint)
        }
    }
}
