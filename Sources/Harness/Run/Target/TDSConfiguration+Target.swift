import Experiment
import TDS

extension TDSConfiguration {
    /// Creates the configuration of a login to an experiment's target at an address.
    init(target: Experiment.Target, host: String, port: Int, password: String) {
        self.init(host: host, port: port, user: target.login.user, password: password)
        database = target.database
        encryption =
            switch target.encryption.mode {
            case .required: .required
            case .strict: .strict
            case .loginOnly: .loginOnly
            }
        if let path = target.encryption.certificateAuthority {
            certificateTrust = .file(path)
        } else {
            certificateTrust = target.encryption.trustServerCertificate ? .any : .system
        }
        serverName = target.encryption.serverName
        applicationName = "aftershock"
    }
}
