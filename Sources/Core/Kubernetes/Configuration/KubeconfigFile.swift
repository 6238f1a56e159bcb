import JSON

/// One kubeconfig file as it is written (`clientcmd/api/v1.Config`), with the fields that are honoured here.
struct KubeconfigFile: Decodable {
    var currentContext: String?
    var clusters: [Named<Cluster>?]?
    var users: [Named<User>?]?
    var contexts: [Named<Context>?]?

    private enum CodingKeys: String, CodingKey {
        case currentContext = "current-context"
        case clusters, users, contexts
    }

    /// An entry of one of the lists. A missing or null part of it counts as empty.
    struct Named<Value: KubeconfigEntry>: Decodable {
        var name: String?
        var value: Value?

        private struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }

            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            name = try container.decodeIfPresent(String.self, forKey: Key(stringValue: "name"))
            value = try container.decodeIfPresent(Value.self, forKey: Key(stringValue: Value.key))
        }
    }

    struct Cluster: KubeconfigEntry, Equatable {
        static let key = "cluster"

        var server: String?
        var tlsServerName: String?
        var insecureSkipTLSVerify: Bool?
        var certificateAuthority: String?
        var certificateAuthorityData: String?
        var proxyURL: String?
        var extensions: [Extension]?

        private enum CodingKeys: String, CodingKey {
            case server
            case tlsServerName = "tls-server-name"
            case insecureSkipTLSVerify = "insecure-skip-tls-verify"
            case certificateAuthority = "certificate-authority"
            case certificateAuthorityData = "certificate-authority-data"
            case proxyURL = "proxy-url"
            case extensions
        }
    }

    /// Only the one named `client.authentication.k8s.io/exec` is used: it is handed to exec plugins.
    struct Extension: Decodable, Equatable {
        var name: String?
        var `extension`: JSONValue?
    }

    struct User: KubeconfigEntry, Equatable {
        static let key = "user"

        var clientCertificate: String?
        var clientCertificateData: String?
        var clientKey: String?
        var clientKeyData: String?
        var token: String?
        var tokenFile: String?
        var username: String?
        var password: String?
        var `as`: String?
        var asUID: String?
        var asGroups: [String]?
        var asUserExtra: [String: [String]]?
        var exec: Exec?
        var authProvider: AuthProvider?

        private enum CodingKeys: String, CodingKey {
            case clientCertificate = "client-certificate"
            case clientCertificateData = "client-certificate-data"
            case clientKey = "client-key"
            case clientKeyData = "client-key-data"
            case token, tokenFile, username, password, exec
            case `as`
            case asUID = "as-uid"
            case asGroups = "as-groups"
            case asUserExtra = "as-user-extra"
            case authProvider = "auth-provider"
        }
    }

    struct Exec: Decodable, Equatable {
        var apiVersion: String?
        var command: String?
        var args: [String]?
        var env: [Variable]?
        var installHint: String?
        var provideClusterInfo: Bool?
        var interactiveMode: String?

        struct Variable: Decodable, Equatable {
            var name: String?
            var value: String?
        }
    }

    struct AuthProvider: Decodable, Equatable {
        var name: String?
        var config: [String: String]?
    }

    struct Context: KubeconfigEntry, Equatable {
        static let key = "context"

        var cluster: String?
        var user: String?
        var namespace: String?
    }
}

/// A value of one of the three lists; an entry has it as a member of its own, beside its name.
protocol KubeconfigEntry: Decodable {
    static var key: String { get }
}
