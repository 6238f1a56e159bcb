import Network

/// The steps of a client connection, decided without doing any of them (MS-TDS 3.2).
///
/// Every event returns the action to be taken. Errors come back without times: the handler, which has the clock, adds them.
struct TDSConnectionStateMachine: ~Copyable {
    /// Large values stand behind a reference, as a state is copied at every step.
    fileprivate enum State {
        case initialized
        /// TDS 8.0: TLS comes before PRELOGIN.
        case handshakingFirst
        case awaitingPrelogin
        /// TDS 7: TLS inside PRELOGIN packets.
        case handshakingInside(loginOnly: Bool)
        indirect case loggingIn(LoginAttempt)
        /// With the errors of an unasked-for message, which usually say why the server is about to close.
        case idle(noticed: [TDSServerMessage])
        case executing(Execution)
        indirect case cancelling(Cancellation)
        indirect case closed(TDSError)
    }

    fileprivate struct LoginAttempt {
        var acknowledgement: TDSLoginAck?
        var errors: [TDSServerMessage] = []
        var route: TDSRoute?
        var isFinished = false
    }

    fileprivate struct Execution {
        let id: UInt64
        var errors: [TDSServerMessage] = []
        var hasFailed = false
        /// A final DONE has come; only the end of the message is missing.
        var isFinished = false
    }

    fileprivate struct Cancellation {
        let error: TDSError
        var isAcknowledged = false
    }

    private let encryption: TDSConfiguration.Encryption
    private var state: State = .initialized
    /// The values for the next request's headers.
    private(set) var transactionDescriptor: UInt64 = 0
    /// The size for outgoing packets, once the login is through.
    private(set) var packetSize: Int?

    init(encryption: TDSConfiguration.Encryption) {
        self.encryption = encryption
    }

    /// The phase the connection is in, each of which has its own deadline; nil once it is closed.
    var phase: TDSPhase? {
        switch self.state {
        case .initialized: .tcp
        case .handshakingFirst, .handshakingInside: .tls
        case .awaitingPrelogin: .prelogin
        case .loggingIn: .login
        case .idle: .idle
        case .executing, .cancelling: .query
        case .closed: nil
        }
    }

    /// Is `true` when an attention was sent and its acknowledgement is awaited.
    var isCancelling: Bool {
        if case .cancelling = self.state { true } else { false }
    }

    /// Why the connection was closed.
    var closeReason: TDSError? {
        if case .closed(let error) = self.state { error } else { nil }
    }
}

// MARK: - Connecting

extension TDSConnectionStateMachine {
    enum LoginEncryption: Hashable {
        /// As the connection is: in the clear or inside TLS.
        case asConnection
        /// The first packet inside TLS, which is taken away behind it.
        case firstPacket
    }

    enum ConnectedAction: Hashable {
        case sendPrelogin
        case awaitTLS
    }

    mutating func connected() -> ConnectedAction {
        switch self.state {
        case .initialized:
            if self.encryption == .strict {
                self.state = .handshakingFirst
                return .awaitTLS
            }
            self.state = .awaitingPrelogin
            return .sendPrelogin
        case .handshakingFirst, .awaitingPrelogin, .handshakingInside, .loggingIn, .idle, .executing, .cancelling, .closed:
            preconditionFailure("a channel becomes active once")
        }
    }

    enum PreloginAction {
        case startTLS
        case sendLogin(LoginEncryption)
        indirect case fail(TDSError)
    }

    /// - Parameter unprocessedBytes: the bytes that came behind the reply. There may be none when TLS is to start: whatever
    ///   stands there was not protected, and would be taken for something that was.
    mutating func preloginReceived(_ reply: TDSPrelogin, unprocessedBytes: Int) -> PreloginAction {
        switch self.state {
        case .awaitingPrelogin:
            switch TDSEncryptionNegotiation.outcome(client: self.encryption, server: reply.encryption) {
            case .clear:
                self.state = .loggingIn(LoginAttempt())
                return .sendLogin(.asConnection)
            case .loginOnly, .full:
                guard unprocessedBytes == 0 else {
                    return .fail(
                        self.close(
                            TDSError(
                                .protocolViolation, phase: .prelogin,
                                detail: "\(unprocessedBytes) bytes in the clear behind the reply that starts TLS")))
                }
                let isLoginOnly =
                    TDSEncryptionNegotiation.outcome(client: self.encryption, server: reply.encryption) == .loginOnly
                self.state = .handshakingInside(loginOnly: isLoginOnly)
                return .startTLS
            case .refuse(let reason):
                return .fail(self.close(TDSError(.encryption, phase: .prelogin, detail: reason)))
            }
        case .initialized, .handshakingFirst, .handshakingInside, .loggingIn, .idle, .executing, .cancelling, .closed:
            return .fail(self.close(self.violation("a PRELOGIN reply that nobody asked for")))
        }
    }

    enum TLSEstablishedAction {
        case sendPrelogin
        /// TLS inside PRELOGIN packets is over: take the wrapping away, then log in.
        case unwrapAndSendLogin(LoginEncryption)
        indirect case fail(TDSError)
    }

    /// - Parameter negotiatedProtocol: the answer to ALPN.
    mutating func tlsEstablished(negotiatedProtocol: String?) -> TLSEstablishedAction {
        switch self.state {
        case .handshakingFirst:
            guard negotiatedProtocol == TDSTLSContextCache.strictProtocol else {
                let answer = negotiatedProtocol.map { "'\($0)'" } ?? "no protocol"
                return .fail(
                    self.close(
                        TDSError(
                            .tls, phase: .tls,
                            detail: "the server chose \(answer) instead of \(TDSTLSContextCache.strictProtocol); it may not know TDS 8.0")))
            }
            self.state = .awaitingPrelogin
            return .sendPrelogin
        case .handshakingInside(let isLoginOnly):
            self.state = .loggingIn(LoginAttempt())
            return .unwrapAndSendLogin(isLoginOnly ? .firstPacket : .asConnection)
        case .initialized, .awaitingPrelogin, .loggingIn, .idle, .executing, .cancelling, .closed:
            return .fail(self.close(self.violation("a TLS handshake that nobody asked for")))
        }
    }
}

// MARK: - Requests

extension TDSConnectionStateMachine {
    enum ExecuteAction {
        case send(transactionDescriptor: UInt64)
        indirect case refuse(TDSError)
    }

    mutating func execute(id: UInt64) -> ExecuteAction {
        switch self.state {
        case .idle:
            self.state = .executing(Execution(id: id))
            return .send(transactionDescriptor: self.transactionDescriptor)
        case .closed(let error):
            return .refuse(error)
        case .initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside, .loggingIn, .executing, .cancelling:
            return .refuse(TDSError(.busy, phase: .query, detail: "another request is under way on this connection"))
        }
    }

    enum CancelAction {
        case sendAttention
        /// The request is over, or another one has taken its place.
        case none
    }

    /// The deadline of a request passed, or its task was cancelled, or nobody reads its rows any more.
    mutating func cancel(id: UInt64, error: TDSError) -> CancelAction {
        switch self.state {
        case .executing(let execution) where execution.id == id:
            var error = error
            error.serverMessages = execution.errors
            self.state = .cancelling(Cancellation(error: error))
            return .sendAttention
        case .initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside, .loggingIn, .idle, .executing, .cancelling,
            .closed:
            return .none
        }
    }
}

// MARK: - Tokens

extension TDSConnectionStateMachine {
    enum TokenAction {
        case none
        /// Belongs to the running request's answer.
        case deliver
        indirect case fail(TDSError)
    }

    mutating func tokenReceived(_ token: TDSToken) -> TokenAction {
        // Rows are nearly all there is, and change nothing.
        if case .row = token, case .executing = self.state { return .deliver }
        switch token {
        case .environmentChange(let change): self.apply(change)
        case .sspi: return .fail(self.close(self.unsupported("integrated (SSPI) authentication")))
        case .federatedAuthenticationInfo: return .fail(self.close(self.unsupported("Entra (federated) authentication")))
        case .columnMetadata, .row, .done, .error, .info, .loginAck, .featureExtAck, .order, .returnStatus, .returnValue, .sessionState,
            .tableName, .columnInfo:
            break
        }
        switch self.state {
        case .loggingIn(var login):
            login.tokenReceived(token)
            self.state = .loggingIn(login)
            return .none
        case .executing(var execution):
            let isDelivered = execution.tokenReceived(token)
            self.state = .executing(execution)
            return isDelivered ? .deliver : .none
        case .cancelling(var cancellation):
            if case .done(let done) = token, done.status.contains(.attention) { cancellation.isAcknowledged = true }
            self.state = .cancelling(cancellation)
            return .none
        case .idle(var noticed):
            if case .error(let message) = token { noticed.appendBounded(message) }
            self.state = .idle(noticed: noticed)
            if case .row = token { return .fail(self.close(self.violation("a row that nobody asked for"))) }
            return .none
        case .closed:
            return .none
        case .initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside:
            return .fail(self.close(self.violation("a response before the login")))
        }
    }

    private mutating func apply(_ change: TDSEnvironmentChange) {
        switch change {
        case .packetSize(let new, _): self.packetSize = new
        case .transactionBegun(let descriptor): self.transactionDescriptor = descriptor
        case .transactionCommitted, .transactionRolledBack: self.transactionDescriptor = 0
        case .database, .language, .collation, .mirrorPartner, .sessionReset, .userInstance, .routing, .other: break
        }
    }

    enum MessageEndAction {
        case none
        indirect case loggedIn(TDSLoginAck)
        /// The server is elsewhere; this connection is to be closed.
        indirect case redirect(TDSRoute)
        /// The request has succeeded; the connection is idle.
        case finish
        /// The request has failed; the connection is idle.
        indirect case finishWithError(TDSError)
        /// The connection is lost, and with it the request.
        indirect case fail(TDSError)
    }

    mutating func messageEnded() -> MessageEndAction {
        switch self.state {
        case .loggingIn(let login):
            return self.loginEnded(login)
        case .executing(let execution):
            guard execution.isFinished else {
                return .fail(self.close(self.explained(self.violation("a response that ends without a final DONE"))))
            }
            self.state = .idle(noticed: [])
            guard execution.hasFailed || !execution.errors.isEmpty else { return .finish }
            return .finishWithError(execution.error)
        case .cancelling(let cancellation):
            guard cancellation.isAcknowledged else {
                // The acknowledgement comes in a message of its own when the response was already under way.
                return .none
            }
            self.state = .idle(noticed: [])
            var error = cancellation.error
            error.attentionAcknowledged = true
            return .finishWithError(error)
        case .idle:
            return .none
        case .closed:
            return .none
        case .initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside:
            return .fail(self.close(self.violation("a response before the login")))
        }
    }

    private mutating func loginEnded(_ login: LoginAttempt) -> MessageEndAction {
        if !login.errors.isEmpty {
            return .fail(self.close(TDSError(.loginRejected, phase: .login, serverMessages: login.errors)))
        }
        if let route = login.route {
            self.state = .closed(TDSError(.closed, phase: .login, detail: "redirected to \(HostPort.text(route.host, Int(route.port)))"))
            return .redirect(route)
        }
        guard let acknowledgement = login.acknowledgement, login.isFinished else {
            return .fail(
                self.close(
                    TDSError(.protocolViolation, phase: .login, detail: "an answer to the login that neither accepts nor refuses it")))
        }
        self.state = .idle(noticed: [])
        return .loggedIn(acknowledgement)
    }
}

// MARK: - The end

extension TDSConnectionStateMachine {
    /// Ends the connection with this error, or with what the server said before, which explains more. Returns nil if it had
    /// ended already.
    mutating func connectionLost(_ error: TDSError) -> TDSError? {
        if case .closed = self.state { return nil }
        return self.close(self.explained(error))
    }

    /// The deadline of the phase passed. A request's deadline is answered with ``cancel(id:error:)`` first.
    mutating func deadlinePassed() -> TDSError? {
        guard let phase = self.phase else { return nil }
        return self.connectionLost(TDSError(.timeout, phase: phase))
    }

    private mutating func close(_ error: TDSError) -> TDSError {
        self.state = .closed(error)
        return error
    }

    /// When a server closes behind an ERROR, the ERROR is what happened.
    private func explained(_ error: TDSError) -> TDSError {
        switch self.state {
        case .loggingIn(let login) where !login.errors.isEmpty:
            return TDSError(.loginRejected, phase: .login, serverMessages: login.errors, detail: error.detail)
        case .executing(let execution) where !execution.errors.isEmpty:
            return TDSError(.serverError, phase: .query, serverMessages: execution.errors, detail: error.detail)
        case .idle(let noticed) where !noticed.isEmpty:
            return TDSError(.serverError, phase: .idle, serverMessages: noticed, detail: error.detail)
        case .cancelling(let cancellation):
            var explained = cancellation.error
            explained.attentionAcknowledged = false
            return explained
        case .initialized, .handshakingFirst, .awaitingPrelogin, .handshakingInside, .loggingIn, .executing, .idle, .closed:
            return error
        }
    }

    private func violation(_ what: String) -> TDSError {
        TDSError(.protocolViolation, phase: self.phase ?? .idle, detail: what)
    }

    private func unsupported(_ what: String) -> TDSError {
        TDSError(.unsupported, phase: self.phase ?? .idle, detail: "the server asks for \(what), which is not supported; use a SQL login")
    }
}

extension TDSConnectionStateMachine.LoginAttempt {
    fileprivate mutating func tokenReceived(_ token: TDSToken) {
        switch token {
        case .loginAck(let acknowledgement): self.acknowledgement = acknowledgement
        case .environmentChange(.routing(let route)): self.route = route
        case .error(let message): self.errors.appendBounded(message)
        case .done(let done): self.isFinished = !done.status.contains(.more)
        case .columnMetadata, .row, .info, .environmentChange, .featureExtAck, .order, .returnStatus, .returnValue, .sessionState,
            .sspi, .federatedAuthenticationInfo, .tableName, .columnInfo:
            break
        }
    }
}

extension TDSConnectionStateMachine.Execution {
    /// Is `true` when the token belongs to the caller's result.
    fileprivate mutating func tokenReceived(_ token: TDSToken) -> Bool {
        switch token {
        case .error(let message):
            self.errors.appendBounded(message)
            return false
        case .done(let done):
            if !done.status.isDisjoint(with: [.error, .serverError]) { self.hasFailed = true }
            self.isFinished = !done.status.contains(.more)
            return true
        case .columnMetadata, .row, .info, .returnStatus, .returnValue:
            return true
        case .environmentChange, .loginAck, .featureExtAck, .order, .sessionState, .sspi, .federatedAuthenticationInfo, .tableName,
            .columnInfo:
            return false
        }
    }

    fileprivate var error: TDSError {
        TDSError(
            .serverError, phase: .query, serverMessages: self.errors,
            detail: self.errors.isEmpty ? "the server reported a failure without a message" : nil)
    }
}

extension [TDSServerMessage] {
    /// A server may send errors without end. The first ones are those that say why.
    fileprivate mutating func appendBounded(_ message: TDSServerMessage) {
        if self.count < 100 { self.append(message) }
    }
}
