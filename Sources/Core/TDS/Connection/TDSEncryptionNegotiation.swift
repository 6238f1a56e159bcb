/// The result of two PRELOGIN messages (MS-TDS 2.2.6.5 and 3.2.5.1), with the refusals that keep a password from being sent
/// less protected than was asked for.
enum TDSEncryptionNegotiation {
    enum Outcome: Hashable {
        /// No TLS at all.
        case clear
        /// TLS for the login packet alone.
        case loginOnly
        /// TLS for all that follows.
        case full
        /// The connection is not to be used; the text says what to do.
        case refuse(String)
    }

    /// The encryption option of a client of this mode in its PRELOGIN.
    static func offer(_ mode: TDSConfiguration.Encryption) -> TDSPreloginEncryption {
        switch mode {
        case .off: .notSupported
        case .loginOnly: .off
        // In TDS 8.0 the option is ignored.
        default: .on
        }
    }

    static func outcome(client mode: TDSConfiguration.Encryption, server: TDSPreloginEncryption?) -> Outcome {
        // A server that leaves the option out knows nothing of encryption.
        let server = server ?? .notSupported
        switch mode {
        case .strict:
            return .clear
        case .off:
            switch server {
            case .off, .notSupported: return .clear
            case .on, .required: return .refuse("the server insists on encryption; use encryption 'required' or 'loginOnly'")
            }
        case .loginOnly:
            switch server {
            case .off: return .loginOnly
            case .on, .required: return .full
            case .notSupported:
                return .refuse("the server cannot encrypt the login; only encryption 'off' can reach it, with the password unprotected")
            }
        default:
            switch server {
            case .on, .required: return .full
            case .off, .notSupported: return .refuse("the server does not encrypt; encryption 'required' cannot be had from it")
            }
        }
    }
}
