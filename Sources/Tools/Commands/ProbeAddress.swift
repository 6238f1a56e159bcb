import ArgumentParser
import Network
import TDS

/// A server in one of its usual forms: `host`, `host:port`, `[address]:port`, or those of SQL Server's tools, `tcp:host,port` and
/// `host\\instance,port`.
struct ProbeAddress: Equatable {
    var host: String
    var port = TDSConfiguration.defaultPort

    init(argument: String) throws {
        var rest = argument[...]
        // SQL Server's tools put the protocol first. All protocols but TCP are for one machine only.
        if let colon = rest.firstIndex(of: ":"), ["tcp", "np", "lpc", "admin"].contains(rest[..<colon].lowercased()),
            !rest[colon...].dropFirst().isEmpty, UInt16(rest[colon...].dropFirst()) == nil
        {
            guard rest[..<colon].lowercased() == "tcp" else {
                throw ValidationError("'\(argument)': only TCP is probed; give host:port")
            }
            rest = rest[colon...].dropFirst()
        }
        var port: Substring?
        if let comma = rest.firstIndex(of: ",") {
            port = rest[comma...].dropFirst()
            rest = rest[..<comma]
        }
        if let backslash = rest.firstIndex(of: "\\") {
            // The instance's name is only needed to find the port.
            guard port != nil else {
                throw ValidationError(
                    "'\(argument)' names an instance. Only SQL Server's browser service knows its port, and it is not asked: give the port too, "
                        + "as host:port or host,port (the server's log and sys.dm_tcp_listener_states show it)")
            }
            rest = rest[..<backslash]
        }
        guard let (name, behindColon) = HostPort.split(rest), behindColon == nil || port == nil else { throw Self.invalid(argument) }
        port = port ?? behindColon
        rest = name
        host = [".", "(local)"].contains(rest.lowercased()) ? "localhost" : String(rest)
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || "[],\\".contains($0) }) else { throw Self.invalid(argument) }
        guard let port else { return }
        guard let number = UInt16(port.trimmingPrefix { $0 == " " }), number > 0 else {
            throw ValidationError("'\(argument)': '\(port)' is not a port: give a number from 1 to 65535")
        }
        self.port = Int(number)
    }

    private static func invalid(_ argument: String) -> ValidationError {
        ValidationError("'\(argument)' is not a server; give host, host:port, host,port or [IPv6 address]:port")
    }
}
