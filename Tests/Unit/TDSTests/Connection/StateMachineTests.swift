import NIOCore
import Testing

@testable import TDS

/// The states of the machine, each reached the way a connection reaches it.
enum Situation: String, CaseIterable, Sendable {
    case initialized, handshakingFirst, awaitingPrelogin, handshakingInside, loggingIn, idle, executing, cancelling, closed

    /// The request under way in `executing` and `cancelling`.
    static let request: UInt64 = 5

    func machine() -> Machine {
        switch self {
        case .initialized:
            return Machine(encryption: .required)
        case .handshakingFirst:
            let machine = Machine(encryption: .strict)
            _ = machine.connected()
            return machine
        case .awaitingPrelogin:
            let machine = Machine(encryption: .required)
            _ = machine.connected()
            return machine
        case .handshakingInside:
            let machine = Situation.awaitingPrelogin.machine()
            _ = machine.preloginReceived(.reply(.on), unprocessedBytes: 0)
            return machine
        case .loggingIn:
            let machine = Situation.handshakingInside.machine()
            _ = machine.tlsEstablished(negotiatedProtocol: nil)
            return machine
        case .idle:
            let machine = Situation.loggingIn.machine()
            machine.receive(.accepted)
            return machine
        case .executing:
            let machine = Situation.idle.machine()
            _ = machine.execute(id: Self.request)
            return machine
        case .cancelling:
            let machine = Situation.executing.machine()
            _ = machine.cancel(id: Self.request, error: TDSError(.timeout, phase: .query))
            return machine
        case .closed:
            let machine = Situation.idle.machine()
            _ = machine.connectionLost(TDSError(.reset, phase: .idle))
            return machine
        }
    }

    var phase: TDSPhase? {
        switch self {
        case .initialized: .tcp
        case .handshakingFirst, .handshakingInside: .tls
        case .awaitingPrelogin: .prelogin
        case .loggingIn: .login
        case .idle: .idle
        case .executing, .cancelling: .query
        case .closed: nil
        }
    }
}

extension TDSPrelogin {
    static func reply(_ encryption: TDSPreloginEncryption?) -> TDSPrelogin {
        TDSPrelogin(version: Version(major: 16, minor: 0, build: 4135), encryption: encryption)
    }
}

extension [TDSToken] {
    static var accepted: [TDSToken] {
        [
            .environmentChange(.packetSize(new: 8000, old: 4096)),
            .loginAck(
                TDSLoginAck(tdsVersion: TDSProtocolVersion.tds74, programName: "Microsoft SQL Server", major: 16, minor: 0, build: 1)),
            .done(TDSDone()),
        ]
    }
}

/// A machine that can stand in `#expect`, which wants its operands copyable.
final class Machine {
    private var machine: TDSConnectionStateMachine

    init(encryption: TDSConfiguration.Encryption) { self.machine = TDSConnectionStateMachine(encryption: encryption) }

    var phase: TDSPhase? { self.machine.phase }
    var isCancelling: Bool { self.machine.isCancelling }
    var packetSize: Int? { self.machine.packetSize }
    var transactionDescriptor: UInt64 { self.machine.transactionDescriptor }

    func connected() -> TDSConnectionStateMachine.ConnectedAction { self.machine.connected() }

    func preloginReceived(_ reply: TDSPrelogin, unprocessedBytes: Int) -> TDSConnectionStateMachine.PreloginAction {
        self.machine.preloginReceived(reply, unprocessedBytes: unprocessedBytes)
    }

    func tlsEstablished(negotiatedProtocol: String?) -> TDSConnectionStateMachine.TLSEstablishedAction {
        self.machine.tlsEstablished(negotiatedProtocol: negotiatedProtocol)
    }

    func execute(id: UInt64) -> TDSConnectionStateMachine.ExecuteAction { self.machine.execute(id: id) }

    func cancel(id: UInt64, error: TDSError) -> TDSConnectionStateMachine.CancelAction { self.machine.cancel(id: id, error: error) }

    func tokenReceived(_ token: TDSToken) -> TDSConnectionStateMachine.TokenAction { self.machine.tokenReceived(token) }

    func messageEnded() -> TDSConnectionStateMachine.MessageEndAction { self.machine.messageEnded() }

    func connectionLost(_ error: TDSError) -> TDSError? { self.machine.connectionLost(error) }

    func deadlinePassed() -> TDSError? { self.machine.deadlinePassed() }

    /// A whole message: its tokens and its end. Returns what the end, or a token before it, led to.
    @discardableResult
    func receive(_ tokens: [TDSToken]) -> TDSConnectionStateMachine.MessageEndAction {
        for token in tokens {
            if case .fail(let error) = self.tokenReceived(token) { return .fail(error) }
        }
        return self.messageEnded()
    }
}

extension TDSConnectionStateMachine.MessageEndAction {
    var error: TDSError? {
        switch self {
        case .finishWithError(let error), .fail(let error): error
        case .none, .loggedIn, .redirect, .finish: nil
        }
    }

    var name: String { String("\(self)".prefix { $0 != "(" }) }
}

@Suite struct StateMachineTests {
    private static let failure = TDSServerMessage(number: 18456, state: 1, class: 14, text: "Login failed for user 'sa'.")
    private static let final = TDSToken.done(TDSDone())
    private static let acknowledgement = TDSToken.done(TDSDone(status: .attention))

    @Test(arguments: Situation.allCases) func phases(situation: Situation) {
        let machine = situation.machine()
        #expect(machine.phase == situation.phase)
    }

    /// Losing the connection is final in every state, and is told once.
    @Test(arguments: Situation.allCases) func lostInEveryState(situation: Situation) {
        let machine = situation.machine()
        let error = machine.connectionLost(TDSError(.eof, phase: situation.phase ?? .idle))
        switch situation {
        case .closed: #expect(error == nil)
        case .cancelling:
            #expect(error?.code == .timeout)
            #expect(error?.attentionAcknowledged == false)
        default: #expect(error?.code == .eof)
        }
        #expect(machine.phase == nil)
        #expect(machine.connectionLost(TDSError(.reset, phase: .idle)) == nil)
    }

    @Test(arguments: Situation.allCases) func deadlineInEveryState(situation: Situation) {
        let machine = situation.machine()
        let error = machine.deadlinePassed()
        #expect(error?.code == (situation == .closed ? nil : .timeout))
        #expect(error?.phase == situation.phase)
        #expect(machine.phase == nil)
    }

    @Test(arguments: Situation.allCases) func executeInEveryState(situation: Situation) {
        let machine = situation.machine()
        switch (machine.execute(id: 9), situation) {
        case (.send(0), .idle): #expect(machine.phase == .query)
        case (.refuse(let error), .closed): #expect(error.code == .reset)
        case (.refuse(let error), _):
            #expect(situation != .idle)
            #expect(error.code == .busy)
            #expect(machine.phase == situation.phase)
        case (.send, _): Issue.record("a request was sent in \(situation)")
        }
    }

    @Test(arguments: Situation.allCases) func cancelInEveryState(situation: Situation) {
        let machine = situation.machine()
        let action = machine.cancel(id: Situation.request, error: TDSError(.cancelled, phase: .query))
        if case .sendAttention = action { #expect(situation == .executing) } else { #expect(situation != .executing) }
        #expect(machine.phase == situation.phase)
    }

    @Test func cancellingAnotherRequestDoesNothing() {
        let machine = Situation.executing.machine()
        if case .sendAttention = machine.cancel(id: Situation.request + 1, error: TDSError(.cancelled, phase: .query)) {
            Issue.record("the wrong request was cancelled")
        }
        #expect(!machine.isCancelling)
    }

    @Test(arguments: Situation.allCases.filter { $0 != .awaitingPrelogin }) func unaskedPrelogin(situation: Situation) {
        let machine = situation.machine()
        guard case .fail(let error) = machine.preloginReceived(.reply(.on), unprocessedBytes: 0) else {
            Issue.record("a PRELOGIN reply was taken in \(situation)")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(machine.phase == nil)
    }

    @Test(arguments: Situation.allCases.filter { $0 != .handshakingFirst && $0 != .handshakingInside })
    func unaskedTLS(situation: Situation) {
        let machine = situation.machine()
        guard case .fail(let error) = machine.tlsEstablished(negotiatedProtocol: nil) else {
            Issue.record("a TLS handshake was taken in \(situation)")
            return
        }
        #expect(error.code == .protocolViolation)
    }

    @Test(arguments: [Situation.initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside])
    func aResponseBeforeTheLogin(situation: Situation) {
        let machine = situation.machine()
        guard case .fail(let error) = machine.tokenReceived(Self.final) else {
            Issue.record("a response was taken in \(situation)")
            return
        }
        #expect(error.code == .protocolViolation)
    }

    @Test func bytesInTheClearBehindThePreloginReply() {
        let machine = Situation.awaitingPrelogin.machine()
        guard case .fail(let error) = machine.preloginReceived(.reply(.on), unprocessedBytes: 1) else {
            Issue.record("TLS was started with bytes from before it")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(error.phase == .prelogin)
    }

    @Test func strictNeedsItsProtocolName() {
        let right = Situation.handshakingFirst.machine()
        guard case .sendPrelogin = right.tlsEstablished(negotiatedProtocol: "tds/8.0") else {
            Issue.record("TDS 8.0 was not taken")
            return
        }
        for other in [nil, "http/1.1"] {
            let wrong = Situation.handshakingFirst.machine()
            guard case .fail(let error) = wrong.tlsEstablished(negotiatedProtocol: other) else {
                Issue.record("\(other ?? "nothing") was taken for TDS 8.0")
                return
            }
            #expect(error.code == .tls)
        }
    }

    // MARK: Login

    @Test func loginAccepted() {
        let machine = Situation.loggingIn.machine()
        guard case .loggedIn(let acknowledgement) = machine.receive(.accepted) else {
            Issue.record("the login was not accepted")
            return
        }
        #expect(acknowledgement.major == 16)
        #expect(machine.packetSize == 8000)
        #expect(machine.phase == .idle)
    }

    @Test func loginRejected() {
        let machine = Situation.loggingIn.machine()
        let error = machine.receive([.error(Self.failure), .done(TDSDone(status: .error))]).error
        #expect(error?.code == .loginRejected)
        #expect(error?.serverMessages == [Self.failure])
        #expect(machine.phase == nil)
    }

    @Test func theErrorIsReportedWhenTheServerClosesBehindIt() {
        let machine = Situation.loggingIn.machine()
        _ = machine.tokenReceived(.error(Self.failure))
        let error = machine.connectionLost(TDSError(.eof, phase: .login))
        #expect(error?.code == .loginRejected)
        #expect(error?.serverMessages == [Self.failure])

        let executing = Situation.executing.machine()
        let fatal = TDSServerMessage(number: 9001, state: 1, class: 21, text: "The log for database 'ledger' is not available.")
        _ = executing.tokenReceived(.error(fatal))
        let lost = executing.connectionLost(TDSError(.reset, phase: .query))
        #expect(lost?.code == .serverError)
        #expect(lost?.serverMessages == [fatal])

        let idle = Situation.idle.machine()
        let shutdown = TDSServerMessage(number: 6005, state: 1, class: 10, text: "SHUTDOWN is in progress.")
        #expect(idle.receive([.error(shutdown), Self.final]).name == "none")
        #expect(idle.connectionLost(TDSError(.eof, phase: .idle))?.serverMessages == [shutdown])
    }

    @Test func anAnswerThatNeitherAcceptsNorRefuses() {
        let machine = Situation.loggingIn.machine()
        #expect(machine.receive([Self.final]).error?.code == .protocolViolation)
        let unfinished = Situation.loggingIn.machine()
        #expect(unfinished.receive(Array([TDSToken].accepted.dropLast())).error?.code == .protocolViolation)
    }

    @Test func redirected() {
        let machine = Situation.loggingIn.machine()
        let route = TDSRoute(host: "other", port: 1444)
        guard case .redirect(route) = machine.receive([.environmentChange(.routing(route))] + .accepted) else {
            Issue.record("the redirection was not followed")
            return
        }
        #expect(machine.phase == nil)
    }

    @Test(arguments: [TDSToken.sspi(ByteBuffer()), .federatedAuthenticationInfo(ByteBuffer())])
    func authenticationThatIsNotImplemented(token: TDSToken) {
        let machine = Situation.loggingIn.machine()
        guard case .fail(let error) = machine.tokenReceived(token) else {
            Issue.record("the login went on")
            return
        }
        #expect(error.code == .unsupported)
    }

    // MARK: Requests

    @Test func succeeds() {
        let machine = Situation.executing.machine()
        #expect(machine.receive([.done(TDSDone(status: [.more, .count], rowCount: 2)), .done(TDSDone(status: .count))]).name == "finish")
        #expect(machine.phase == .idle)
    }

    @Test func failsWithEveryErrorOfTheBatchAndGoesOn() {
        let machine = Situation.executing.machine()
        let errors = [8134, 3621].map { TDSServerMessage(number: $0, class: 16, text: "\($0)") }
        let action = machine.receive(errors.map { .error($0) } + [.done(TDSDone(status: .error))])
        #expect(action.error?.serverMessages == errors)
        #expect(machine.phase == .idle)
        if case .refuse(let error) = machine.execute(id: 6) { Issue.record("not usable any more: \(error)") }
    }

    @Test func aFailureWithoutAMessageIsAFailure() {
        for status: TDSDone.Status in [.error, .serverError] {
            let machine = Situation.executing.machine()
            #expect(machine.receive([.done(TDSDone(status: status))]).error?.code == .serverError)
        }
    }

    @Test func aMessageThatEndsWithoutItsFinalDoneIsNotAnAnswer() {
        for tokens: [TDSToken] in [[], [.done(TDSDone(status: .more))]] {
            let machine = Situation.executing.machine()
            #expect(machine.receive(tokens).error?.code == .protocolViolation)
            #expect(machine.phase == nil)
        }
    }

    @Test func theTransactionDescriptorFollowsTheServer() {
        let machine = Situation.executing.machine()
        machine.receive([.environmentChange(.transactionBegun(77)), Self.final])
        guard case .send(transactionDescriptor: 77) = machine.execute(id: 6) else {
            Issue.record("the request is outside its transaction")
            return
        }
        machine.receive([.environmentChange(.transactionRolledBack(77)), Self.final])
        #expect(machine.transactionDescriptor == 0)
    }

    @Test func rowsThatNobodyAskedFor() throws {
        let machine = Situation.idle.machine()
        let columns = TDSColumns([TDSColumn("n", .int)])
        var buffer = try encodeTokens([.columnMetadata(columns)])
        try TDSRow.encode([.int(1)], columns: columns, into: &buffer)
        #expect(machine.receive(try decodeTokens(buffer)).error?.code == .protocolViolation)
    }

    // MARK: Attention

    @Test func acknowledgedAtTheEndOfTheResponse() {
        let machine = Situation.cancelling.machine()
        let error = machine.receive([.error(Self.failure), Self.acknowledgement]).error
        #expect(error?.code == .timeout)
        #expect(error?.attentionAcknowledged == true)
        #expect(machine.phase == .idle)
    }

    @Test func acknowledgedInAMessageOfItsOwn() {
        let machine = Situation.cancelling.machine()
        #expect(machine.receive([.done(TDSDone(status: .count, rowCount: 1))]).name == "none")
        #expect(machine.isCancelling)
        #expect(machine.receive([Self.acknowledgement]).error?.attentionAcknowledged == true)
        #expect(machine.phase == .idle)
    }

    @Test func acknowledgedFirstAndTheRestOfTheMessageStillRead() {
        let machine = Situation.cancelling.machine()
        _ = machine.tokenReceived(Self.acknowledgement)
        #expect(machine.isCancelling)
        #expect(machine.messageEnded().error?.attentionAcknowledged == true)
    }

    @Test func neverAcknowledged() {
        let machine = Situation.cancelling.machine()
        let error = machine.deadlinePassed()
        #expect(error?.code == .timeout)
        #expect(error?.attentionAcknowledged == false)
        #expect(machine.phase == nil)
    }

    @Test func errorsFromBeforeTheCancellationAreKept() {
        let machine = Situation.executing.machine()
        _ = machine.tokenReceived(.error(Self.failure))
        _ = machine.cancel(id: Situation.request, error: TDSError(.cancelled, phase: .query))
        #expect(machine.receive([Self.acknowledgement]).error?.serverMessages == [Self.failure])
    }
}

@Suite struct EncryptionNegotiationTests {
    /// The result of the modes with each answer; nil where the connection must be given up.
    @Test(arguments: [
        (TDSConfiguration.Encryption.required, [nil, nil, "full", "full", nil]),
        (.loginOnly, [nil, "loginOnly", "full", "full", nil]),
        (.off, ["clear", "clear", nil, nil, "clear"]),
        (.strict, ["clear", "clear", "clear", "clear", "clear"]),
    ])
    func outcomes(mode: TDSConfiguration.Encryption, expected: [String?]) {
        let answers: [TDSPreloginEncryption?] = [.notSupported, .off, .on, .required, nil]
        for (answer, expected) in zip(answers, expected) {
            let outcome = TDSEncryptionNegotiation.outcome(client: mode, server: answer)
            if case .refuse = outcome {
                #expect(expected == nil, "\(mode) with \(String(describing: answer))")
            } else {
                #expect("\(outcome)" == expected, "\(mode) with \(String(describing: answer))")
            }
        }
    }

    @Test func offers() {
        #expect(TDSEncryptionNegotiation.offer(.required) == .on)
        #expect(TDSEncryptionNegotiation.offer(.loginOnly) == .off)
        #expect(TDSEncryptionNegotiation.offer(.off) == .notSupported)
    }
}
