/// The authentication of one request.
struct Credential: Sendable, Hashable {
    /// The value of the `Authorization` header.
    var authorization: String?
    var clientCertificate: ClientCertificate?
    /// Rises whenever the credential is had anew; says which one the server refused.
    var generation = 0
}
