import ArgumentParser
import DatabaseFlaws
import Experiment
import SandboxStore

extension SandboxFlaw: ExpressibleByArgument {}

/// An option's flaw of the database, checked before anything is started with it.
@Sendable func databaseFlawArgument(_ text: String) throws -> String {
    do {
        _ = try Flaws([text])
    } catch {
        let name = text.split(separator: "=").first.map(String.init) ?? text
        let meant = closest(to: name, among: Flaws.Name.allCases.map(\.rawValue)).flatMap { $0 == name ? nil : " Did you mean \($0)?" }
        throw ValidationError("\(error)\(meant ?? "")")
    }
    return text
}
