import ArgumentParser
import Testing

@testable import Commands

@Suite struct ProbeAddressTests {
    @Test(arguments: [
        ("sql.example", "sql.example", 1433), ("sql.example:1500", "sql.example", 1500), ("sql.example,1500", "sql.example", 1500),
        ("sql.example, 1500", "sql.example", 1500), ("tcp:sql.example,1500", "sql.example", 1500), ("TCP:sql.example", "sql.example", 1433),
        ("tcp:1500", "tcp", 1500), ("127.0.0.1,1433", "127.0.0.1", 1433), ("sql\\EXPRESS,1500", "sql", 1500),
        (".", "localhost", 1433), ("(local),1500", "localhost", 1500), ("::1", "::1", 1433), ("[::1]", "::1", 1433),
        ("[::1]:1500", "::1", 1500), ("[::1],1500", "::1", 1500), ("::1,1500", "::1", 1500),
    ])
    func understood(argument: String, host: String, port: Int) throws {
        let address = try ProbeAddress(argument: argument)
        #expect(address.host == host)
        #expect(address.port == port)
    }

    @Test(arguments: [
        ("sql\\EXPRESS", "browser service"), ("np:sql", "only TCP"), ("lpc:.", "only TCP"), ("sql:0", "'0' is not a port"),
        ("sql,70000", "'70000' is not a port"), ("sql:", "'' is not a port"), ("", "is not a server"), (",1433", "is not a server"),
        ("[::1", "is not a server"), ("[::1]x", "is not a server"), ("a b", "is not a server"),
    ])
    func refused(argument: String, reason: String) {
        #expect { try ProbeAddress(argument: argument) } throws: { "\($0)".contains(reason) }
    }
}
