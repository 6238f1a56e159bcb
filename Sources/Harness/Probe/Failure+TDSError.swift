package import Journal
package import TDS

extension Failure {
    /// Creates the journal's failure from `error`. It has only the server's first message, as later ones follow from it.
    package init(_ error: TDSError) {
        let message = error.serverMessages.first
        self.init(
            phase: error.code == .dns ? "dns" : error.phase.rawValue,
            kind: error.code == .protocolViolation ? "protocol" : error.code.description,
            number: message.map { Int($0.number) },
            state: message.map { Int($0.state) },
            severity: message.map { Int($0.class) },
            message: message?.text ?? error.detail,
            unanswered: error.unansweredFor?.wholeNanoseconds)
    }
}
