import Certificates
import Foundation
import NIOSSL

extension CertificateAuthority {
    /// TLS for a server that takes a client's certificate of this authority where there is one, as an API server does.
    func optionalTLS(_ identity: IssuedCertificate) throws -> NIOSSLContext {
        var tls = try identity.serverConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(try pem.utf8)))
        tls.certificateVerification = .optionalVerification
        return try NIOSSLContext(configuration: tls)
    }
}

extension IssuedCertificate {
    /// TLS for a server that shows this certificate; with `clients`, it wants certificates of that authority.
    func serverTLS(clients: CertificateAuthority? = nil) throws -> NIOSSLContext {
        var tls = try serverConfiguration()
        if let clients {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(try clients.pem.utf8)))
            tls.certificateVerification = .noHostnameVerification
        }
        return try NIOSSLContext(configuration: tls)
    }
}
