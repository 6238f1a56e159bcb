import NIOCore
import TDS

@testable import SandboxSQL

/// A batch is parsed, or refused with an error of SQL Server's.
func fuzzSQL(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
        _ = try Parser.statements(of: text)
    } catch {
        expect(error.number > 0 && !error.message.isEmpty, "a batch is refused without a reason")
    }
    _ = try? Parser.parameters(of: text)
}

/// A client that says anything, from PRELOGIN on: one request at a time, and nothing after the end.
func fuzzServer(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    var machine = ConnectionMachine(
        encryption: .off, product: ServerProduct(serverName: "fuzz", edition: "Developer"), isStrict: false, sessionID: 51)
    var decoder = TDSPacketDecoder()
    var buffer = ByteBuffer()
    var isExecuting = false
    var isClosed = false

    func perform(_ actions: [ConnectionMachine.Action]) throws {
        for action in actions {
            expect(!isClosed, "something happens after the end")
            switch action {
            case .send(let packets):
                expect(packets.allSatisfy { $0.readableBytes <= TDSPacket.maximumSize }, "a packet is too long")
            case .startTLS: fatalError("TLS without a certificate")
            case .removeTLS: fatalError("there is no TLS to remove")
            case .logIn(let login):
                try perform(
                    login.userName == "sa"
                        ? try machine.loginSucceeded(database: "master") : try machine.loginFailed([.loginFailed(for: "x")]))
            case .execute:
                expect(!isExecuting, "a request runs beside another one")
                isExecuting = true
            case .cancel: expect(isExecuting, "nothing runs that could be cancelled")
            case .close: isClosed = true
            }
        }
    }

    for piece in stream.pieces {
        buffer.writeBytes(piece)
        do {
            while !isClosed, let packet = try decoder.decode(buffer: &buffer) { try perform(try machine.received(packet)) }
        } catch { return }
        if isExecuting {
            isExecuting = false
            _ = try? perform(machine.responseFinished(body: ByteBuffer(bytes: piece), end: ByteBuffer()))
        }
        if isClosed { return }
    }
}
