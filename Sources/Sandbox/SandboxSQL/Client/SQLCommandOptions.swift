import Foundation
import TDS

/// sqlcmd's options, in the forms that the ODBC tools (17 and 18) and go-sqlcmd share: `-S host`, `-Shost`.
struct SQLCommandOptions {
    var configuration: TDSConfiguration
    var query: String?
    var inputFiles: [String] = []
    var outputFile: String?
    var endsOnError = false
    var hasHeader = true
    var trimsColumns = false
    var separator = " "
    var queryTimeout = Duration.seconds(3600)

    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    /// Options that take a value and that no probe depends on; and those that take none.
    private static let ignoredWithValue = Set("acHKmvVwyYzZ")
    private static let ignored = Set("ADEeFfGIjkLMpRruXx")

    /// - Parameter isOfVersion17: As the older tool, it asks for no encryption and checks no certificate unless told to (`-N`).
    init(_ arguments: [String], environment: [String: String], isOfVersion17: Bool = false) throws {
        var server = environment["SQLCMDSERVER"] ?? "localhost"
        var user = environment["SQLCMDUSER"] ?? ""
        var password = environment["SQLCMDPASSWORD"] ?? ""
        var database = environment["SQLCMDDBNAME"] ?? ""
        var loginTimeout = Duration.seconds(8)
        var queryTimeout = Duration.seconds(3600)
        var encryption: TDSConfiguration.Encryption = isOfVersion17 ? .loginOnly : .required
        var isTrusting = false
        configuration = TDSConfiguration(host: "", user: "", password: "")
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.first == "-", let letter = argument.dropFirst().first else {
                throw Failure("Sqlcmd: '\(argument)': Unexpected argument. Enter '-?' for help.")
            }
            let attached = String(argument.dropFirst(2))
            func value() throws -> String {
                if !attached.isEmpty { return attached }
                guard let next = rest.popFirst() else {
                    throw Failure("Sqlcmd: '\(argument)': Missing argument. Enter '-?' for help.")
                }
                return next
            }
            func seconds() throws -> Duration? {
                let text = try value()
                guard let number = UInt16(text) else {
                    throw Failure("Sqlcmd: '\(argument) \(text)': Unexpected argument value: not a number of seconds from 0 to 65534.")
                }
                return number == 0 ? nil : .seconds(Int64(number))
            }
            switch letter {
            case "S": server = try value()
            case "U": user = try value()
            case "P": password = try value()
            case "d": database = try value()
            case "Q", "q": query = try value()
            case "i": inputFiles += try value().split(separator: ",").map(String.init)
            case "o": outputFile = try value()
            case "l": loginTimeout = try seconds() ?? .seconds(3600)
            case "t": queryTimeout = try seconds() ?? .seconds(3600)
            case "h": hasHeader = try value() != "-1"
            case "s": separator = try value()
            case "b": endsOnError = true
            case "W": trimsColumns = true
            case "C": isTrusting = true
            case "N":
                switch attached.lowercased() {
                case "", "m", "mandatory", "true": encryption = .required
                case "o", "optional", "false": encryption = .loginOnly
                case "s", "strict": encryption = .strict
                default: throw Failure("Sqlcmd: '-N\(attached)': Unexpected argument. Use -N, -Nm, -No or -Ns.")
                }
            case "?":
                throw Failure("sqlcmd of the sandbox: -S -U -P -d -Q -q -i -o -C -N -b -l -t -h -s -W; Microsoft's others have no effect.")
            case _ where Self.ignoredWithValue.contains(letter): _ = try value()
            case _ where Self.ignored.contains(letter): continue
            default: throw Failure("Sqlcmd: '\(argument)': Unknown Option. Enter '-?' for help.")
            }
        }
        let (host, port) = try Self.address(server, environment)
        configuration = TDSConfiguration(
            host: host, port: port, user: user, password: password, database: database, encryption: encryption,
            certificateTrust: isTrusting || encryption == .loginOnly ? .any : .system, deadlines: .init(each: loginTimeout))
        configuration.applicationName = "SQLCMD"
        self.queryTimeout = queryTimeout
    }

    /// `tcp:host,port` in all its forms. A pod of the sandbox has an address of its own on the machine's loopback, and no `localhost`: there
    /// it means the pod.
    private static func address(_ server: String, _ environment: [String: String]) throws -> (String, Int) {
        var text = server[...]
        if text.lowercased().hasPrefix("tcp:") { text = text.dropFirst(4) }
        let parts = text.split(separator: ",", maxSplits: 1).map(String.init)
        var host = parts.first ?? ""
        host = String(host.split(separator: "\\", maxSplits: 1).first ?? "")
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let own = environment["MSSQL_IP_ADDRESS"] ?? environment["POD_IP"]
        if ["localhost", ".", "(local)", "127.0.0.1", "::1", ""].contains(host.lowercased()) { host = own ?? "127.0.0.1" }
        let written = parts.count > 1 ? parts[1] : environment["MSSQL_TCP_PORT"] ?? "1433"
        guard let port = UInt16(written.trimmingCharacters(in: .whitespaces)), port > 0 else {
            throw Failure("Sqlcmd: Error: '\(written)' in '\(server)' is no port.")
        }
        return (host, Int(port))
    }
}
