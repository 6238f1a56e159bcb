/// Why a connection could not be made, or a request not be finished, with the phase it happened in.
public struct TDSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The class of the failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case dns, refused, unreachable, reset, timeout, eof, tls, encryption, loginRejected, serverError
            case protocolViolation = "protocol"
            case unsupported, configuration, tooManyRedirections, cancelled, closed, busy, request, io
        }

        private let base: Base

        public var description: String { self.base.rawValue }

        /// The name does not resolve.
        public static let dns = Code(base: .dns)
        /// Nothing listens there (ECONNREFUSED).
        public static let refused = Code(base: .refused)
        /// No route to the host or network.
        public static let unreachable = Code(base: .unreachable)
        /// The peer broke the connection off (ECONNRESET, EPIPE).
        public static let reset = Code(base: .reset)
        /// The phase's deadline passed.
        public static let timeout = Code(base: .timeout)
        /// The peer closed the connection in an orderly way, but too early.
        public static let eof = Code(base: .eof)
        /// The TLS handshake failed, or the certificate is not trusted.
        public static let tls = Code(base: .tls)
        /// The two sides cannot agree on encryption.
        public static let encryption = Code(base: .encryption)
        /// The server refused the login; ``TDSError/serverMessages`` says why.
        public static let loginRejected = Code(base: .loginRejected)
        /// The server reported errors for the request.
        public static let serverError = Code(base: .serverError)
        /// The peer said something that is not TDS, or not at this point.
        public static let protocolViolation = Code(base: .protocolViolation)
        /// The server asked for something that is not implemented here, such as integrated authentication.
        public static let unsupported = Code(base: .unsupported)
        /// The configuration cannot be used, for example a CA file that cannot be read.
        public static let configuration = Code(base: .configuration)
        public static let tooManyRedirections = Code(base: .tooManyRedirections)
        /// The task was cancelled.
        public static let cancelled = Code(base: .cancelled)
        /// The connection was closed from this side before.
        public static let closed = Code(base: .closed)
        /// Another request is under way: a connection serves one at a time.
        public static let busy = Code(base: .busy)
        /// The request cannot be put into TDS, for example a parameter that does not fit its type.
        public static let request = Code(base: .request)
        /// Another error of the socket; ``TDSError/detail`` has it.
        public static let io = Code(base: .io)
    }

    public var code: Code
    public var phase: TDSPhase
    /// The duration of the phase so far.
    public var after: Duration
    /// When it was known; nil where no one connection is to blame: a name of which no address could be connected to.
    public var at: ContinuousClock.Instant?
    /// For how long the system had had what this side said in the phase, without an answer; nil where that is not known, and in `tls`,
    /// where each side speaks more than once. Unlike ``after`` it has nothing in it of what this side took before.
    public var unansweredFor: Duration?
    /// Every ERROR the server sent, in its order; the first is usually the cause.
    public var serverMessages: [TDSServerMessage]
    /// Further details.
    public var detail: String?
    /// The times of connecting, as far as it got.
    public var phases: TDSPhaseDurations
    /// After a timeout or cancellation of a request: whether the server acknowledged the attention, so that the connection is
    /// still good. nil where no attention was sent.
    public var attentionAcknowledged: Bool?

    public init(
        _ code: Code, phase: TDSPhase, after: Duration = .zero, unansweredFor: Duration? = nil, serverMessages: [TDSServerMessage] = [],
        detail: String? = nil, phases: TDSPhaseDurations = TDSPhaseDurations(), attentionAcknowledged: Bool? = nil
    ) {
        self.code = code
        self.phase = phase
        self.after = after
        self.unansweredFor = unansweredFor
        self.serverMessages = serverMessages
        self.detail = detail
        self.phases = phases
        self.attentionAcknowledged = attentionAcknowledged
    }

    public var description: String {
        let milliseconds = self.after / .milliseconds(1)
        var text = "\(self.code) in \(self.phase) after \(Int(milliseconds.rounded())) ms"
        for message in self.serverMessages { text += "; server error \(message)" }
        if let detail { text += "; \(detail)" }
        if let attentionAcknowledged {
            text +=
                attentionAcknowledged ? "; the server acknowledged the cancellation" : "; the server did not acknowledge the cancellation"
        }
        return text
    }
}
