import NIOCore
@testable import TDS

func fuzzPackets(_ bytes: [UInt8]) {
    var decoder = TDSPacketDecoder()
    var buffer = ByteBuffer(bytes: bytes)
    while let packet = try? decoder.decode(buffer: &buffer) { precondition(packet.payload.readableBytes <= bytes.count) }
}

/// The first byte cuts the response into pieces of that size, which must not change what is read.
func fuzzTokens(_ bytes: [UInt8]) {
    guard let size = bytes.first.map({ max(1, Int($0)) }) else { return }
    func tokens(in pieces: [ArraySlice<UInt8>]) -> Int {
        var decoder = TDSTokenDecoder()
        var count = 0
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            do {
                while try decoder.next() != nil { count += 1 }
            } catch { return count }
        }
        return count
    }
    let response = bytes.dropFirst()
    let pieces = stride(from: response.startIndex, to: response.endIndex, by: size).map {
        response[$0..<min($0 + size, response.endIndex)]
    }
    precondition(tokens(in: pieces) == tokens(in: [response]), "pieces of \(size) bytes are read otherwise than the whole")
}

func fuzzPrelogin(_ bytes: [UInt8]) {
    guard let prelogin = try? TDSPrelogin(decoding: ByteBuffer(bytes: bytes)) else { return }
    _ = try? TDSPrelogin(decoding: prelogin.encode())
}

func fuzzLogin(_ bytes: [UInt8]) {
    guard let login = try? TDSLogin(decoding: ByteBuffer(bytes: bytes)) else { return }
    _ = try? login.encode()
}

func fuzzRPC(_ bytes: [UInt8]) {
    guard let request = try? TDSRPCRequest(decoding: ByteBuffer(bytes: bytes)) else { return }
    var buffer = ByteBuffer()
    try? request.encode(into: &buffer)
}
