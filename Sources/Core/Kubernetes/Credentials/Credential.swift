/// The authentication of one request.
struct Credential: Sendable, Hashable {
    /// The value of the `Authorization` header.
    var authorization: String?
    var clientCertificate: ClientCertificate?
    /// A number that rises with every new credential. It says which one the server refused.
    var generation = 0
}
