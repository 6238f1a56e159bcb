/// Everything that can go wrong between this process and the API server, from reading the kubeconfig to the server's answer.
///
/// It never holds a token, a password or a private key.
public struct KubernetesError: Error, Sendable {
    public var code: Code
    /// The event, with its place (file, server, request).
    public var message: String
    /// The next step for the person.
    public var hint: String?
    /// The API server's own account, where it gave one.
    public var status: Status?
    /// The HTTP status, where there was an answer.
    public var httpStatus: Int?
    /// Method and path of the request, without its query.
    public var request: String?

    public init(
        _ code: Code, _ message: String, hint: String? = nil, status: Status? = nil, httpStatus: Int? = nil, request: String? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.httpStatus = httpStatus
        self.request = request
    }

    /// The kind of error. New codes may be added: compare, do not enumerate.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case configurationMissing, configurationInvalid, noCurrentContext
            case unknownContext, unknownCluster, unknownUser, certificateUnreadable, credentialsUnavailable
            case pluginNotFound, pluginFailed, pluginBadOutput, pluginTimeout
            case unreachable, connectionLost, timeout, serverCertificateUntrusted, serverCertificateExpired, serverNameMismatch
            case clientCertificateExpired, clientCertificateRejected, tlsFailed, proxyFailed
            case unauthorized, forbidden, notFound, alreadyExists, conflict, gone, invalid, badRequest
            case unsupported, tooManyRequests, serverTimeout, serverError, unexpectedAnswer, cancelled
        }

        private let value: Value

        private init(_ value: Value) { self.value = value }

        public var description: String { value.rawValue }

        public static var configurationMissing: Self { Self(.configurationMissing) }
        public static var configurationInvalid: Self { Self(.configurationInvalid) }
        public static var noCurrentContext: Self { Self(.noCurrentContext) }
        public static var unknownContext: Self { Self(.unknownContext) }
        public static var unknownCluster: Self { Self(.unknownCluster) }
        public static var unknownUser: Self { Self(.unknownUser) }
        /// A certificate, key or CA bundle cannot be read or is not PEM.
        public static var certificateUnreadable: Self { Self(.certificateUnreadable) }
        /// A token or its file cannot be had.
        public static var credentialsUnavailable: Self { Self(.credentialsUnavailable) }
        public static var pluginNotFound: Self { Self(.pluginNotFound) }
        public static var pluginFailed: Self { Self(.pluginFailed) }
        public static var pluginBadOutput: Self { Self(.pluginBadOutput) }
        public static var pluginTimeout: Self { Self(.pluginTimeout) }
        /// No connection: name not found, refused, no route, connect timeout.
        public static var unreachable: Self { Self(.unreachable) }
        /// The connection broke after it was made: the request may or may not have been carried out.
        public static var connectionLost: Self { Self(.connectionLost) }
        /// No complete answer within the request's deadline: the request may or may not have been carried out.
        public static var timeout: Self { Self(.timeout) }
        public static var serverCertificateUntrusted: Self { Self(.serverCertificateUntrusted) }
        public static var serverCertificateExpired: Self { Self(.serverCertificateExpired) }
        public static var serverNameMismatch: Self { Self(.serverNameMismatch) }
        public static var clientCertificateExpired: Self { Self(.clientCertificateExpired) }
        public static var clientCertificateRejected: Self { Self(.clientCertificateRejected) }
        public static var tlsFailed: Self { Self(.tlsFailed) }
        public static var proxyFailed: Self { Self(.proxyFailed) }
        /// 401.
        public static var unauthorized: Self { Self(.unauthorized) }
        /// 403.
        public static var forbidden: Self { Self(.forbidden) }
        /// 404.
        public static var notFound: Self { Self(.notFound) }
        /// 409 with reason `AlreadyExists`.
        public static var alreadyExists: Self { Self(.alreadyExists) }
        /// 409 otherwise, for example a UID precondition that does not hold.
        public static var conflict: Self { Self(.conflict) }
        /// 410: the resource version or the continue token is too old.
        public static var gone: Self { Self(.gone) }
        /// 422, also a failed `test` operation of a JSON patch.
        public static var invalid: Self { Self(.invalid) }
        /// 400.
        public static var badRequest: Self { Self(.badRequest) }
        /// The server cannot do this: 405, 415, 501, or an API group that it does not serve.
        public static var unsupported: Self { Self(.unsupported) }
        /// 429, for an eviction: a disruption budget forbids it now.
        public static var tooManyRequests: Self { Self(.tooManyRequests) }
        /// 504.
        public static var serverTimeout: Self { Self(.serverTimeout) }
        /// Any other 5xx.
        public static var serverError: Self { Self(.serverError) }
        /// Something answered that does not speak this API: a redirect, HTML, broken JSON.
        public static var unexpectedAnswer: Self { Self(.unexpectedAnswer) }
        public static var cancelled: Self { Self(.cancelled) }
    }
}

extension KubernetesError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let request { text = "\(request): \(text)" }
        if let hint { text += "\n  \(hint)" }
        return text
    }
}

extension KubernetesError {
    /// Seconds that the server asks to wait before the next attempt.
    public var retryAfterSeconds: Int? { status?.details?.retryAfterSeconds }

    /// Is `true` when a mutation that ended with this error may have taken effect all the same.
    public var isOutcomeUnknown: Bool {
        [.connectionLost, .timeout, .serverTimeout, .serverError, .unexpectedAnswer, .cancelled].contains(code)
    }
}
