import Foundation

/// A line of the table: files, and what is asked of kubectl and of this client alike.
struct KubeconfigCase: Sendable {
    /// The comparison with kubectl.
    enum Expectation: Sendable, Equatable {
        /// Both work, with the same requests, or both refuse.
        case same
        /// Ours works although kubectl does not, for the reason given.
        case oursWorks(String)
        /// Ours refuses although kubectl does not, for the reason given.
        case oursRefuses(String)
    }

    var name: String
    /// By their path below the case's folder, which is the home folder as well. Words in capitals stand for what a run gives out.
    var files: [String: String]
    var encoding: String.Encoding = .utf8
    /// Put before the text of each file.
    var mark: [UInt8] = []
    var environment: [String: String] = [:]
    /// kubectl's flags; those of ``KubeconfigOverrides``.
    var flags: [String: String] = [:]
    var expectation = Expectation.same

    /// With one file, in the home folder.
    init(_ name: String, _ text: String, _ expectation: Expectation = .same) {
        self.name = name
        files = [".kube/config": text]
        self.expectation = expectation
    }

    init(
        _ name: String, files: [String: String], environment: [String: String] = [:], flags: [String: String] = [:],
        expectation: Expectation = .same
    ) {
        self.expectation = expectation
        self.name = name
        self.files = files
        self.environment = environment
        self.flags = flags
    }

    func with(
        files more: [String: String] = [:], environment: [String: String] = [:], flags: [String: String] = [:],
        encoding: String.Encoding = .utf8, mark: [UInt8] = []
    ) -> Self {
        var copy = self
        copy.files.merge(more) { _, new in new }
        copy.environment.merge(environment) { _, new in new }
        copy.flags.merge(flags) { _, new in new }
        copy.encoding = encoding
        copy.mark = mark
        return copy
    }
}

/// A kubeconfig of one of each. `nil` leaves a part out.
func kubeconfig(
    cluster: String? = "server: SERVER, certificate-authority-data: CADATA", user: String? = "token: tok",
    context: String? = "cluster: c, user: u", current: String? = "x", head: String = "apiVersion: v1\nkind: Config\n"
) -> String {
    var text = head
    if let current { text += "current-context: \(current)\n" }
    if let cluster { text += "clusters: [{name: c, cluster: {\(cluster)}}]\n" }
    if let user { text += "users: [{name: u, user: {\(user)}}]\n" }
    if let context { text += "contexts: [{name: x, context: {\(context)}}]\n" }
    return text
}
