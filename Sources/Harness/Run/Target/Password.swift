public import Experiment
import Fault
import Foundation
import Journal
import Kubernetes
import Secrets

extension String {
    /// The text without the line break, of whatever kind, that editors and `echo` leave behind it.
    public var withoutLineBreak: String { last?.isNewline == true ? String(dropLast()) : self }
}

extension Experiment.Login {
    /// Keeps the variable of the password, where it comes from one, from the programs that are started for others.
    public func hideVariable() {
        if case .environment(let name) = passwordFrom { KnownSecrets.hide(variable: name) }
    }
}

/// The login's password, from where the experiment says. It is never printed: only this type's users see it, and it is masked where a
/// server or a program repeats it.
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
        case .environment(let name):
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw TargetError(
                    check: "password", message: "the environment variable \(name) is not set", hint: "export it before the run")
            }
            return value
        case .file(let path):
            do {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                return text.withoutLineBreak
            } catch {
                throw TargetError(check: "password", message: "the password file \(path) cannot be read: \(words(for: error))")
            }
        case .secret(let name, let key):
            guard let secret = try await client.find(Secret.self, name, in: namespace) else {
                throw TargetError(
                    check: "password", message: "there is no Secret \(namespace)/\(name)",
                    hint: "create it, or set spec.target.login.passwordFrom")
            }
            guard let data = secret.data?[key] else {
                let keys = (secret.data ?? [:]).keys.sorted().joined(separator: ", ")
                throw TargetError(check: "password", message: "the Secret \(namespace)/\(name) has no key '\(key)'", hint: "it has \(keys)")
            }
            return String(decoding: data, as: UTF8.self)
        }
    }
}
