import Crypto
import Foundation

/// The client's half of the WebSocket protocol (RFC 6455), as far as one message after the other is all that is wanted. It does no I/O.
enum WebSocket {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    static func randomKey() -> String {
        Data((0..<16).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
    }

    /// The server's answer to this key.
    static func accept(_ key: String) -> String {
        Data(Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
    }

    /// A frame that is a whole message, masked as a client's have to be.
    static func frame(_ opcode: Opcode, _ payload: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode.rawValue]
        let count = payload.count
        switch count {
        case ..<126: bytes.append(0x80 | UInt8(count))
        case ..<0x1_0000: bytes += [0x80 | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default: bytes += [0x80 | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        }
        let mask = (0..<4).map { _ in UInt8.random(in: .min ... .max) }
        bytes += mask
        bytes.reserveCapacity(bytes.count + count)
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index & 3]) }
        return bytes
    }
}

/// Finds the messages in the bytes of a server, in whatever pieces these come.
struct WebSocketDecoder: Sendable {
    enum Message: Equatable, Sendable {
        case data([UInt8])
        case ping([UInt8])
        case close
    }

    /// The server's bytes are no WebSocket, or more than the limit.
    struct Violation: Error, Equatable {
        var problem: String
    }

    /// Of one message, and so of what is kept here: kubelets copy in pieces of 32 KiB.
    static let messageLimit = 4 << 20

    private var bytes: [UInt8] = []
    /// Where the next frame begins in them.
    private var start = 0
    /// The fragments of a message whose end has not come.
    private var fragments: [UInt8]?

    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next message that is complete.
    mutating func next() throws(Violation) -> Message? {
        while let frame = try nextFrame() {
            switch frame.opcode {
            case .ping: return .ping(frame.payload)
            case .pong: break
            case .close: return .close
            case .text, .binary:
                guard fragments == nil else { throw Violation(problem: "a message began inside another one") }
                if frame.isFinal { return .data(frame.payload) }
                fragments = frame.payload
            case .continuation:
                // Taken out, so that the message grows in place.
                guard var message = fragments.take() else { throw Violation(problem: "a message has no begin") }
                guard message.count + frame.payload.count <= Self.messageLimit else { throw Self.tooLarge }
                message += frame.payload
                if frame.isFinal { return .data(message) }
                fragments = message
            }
        }
        return nil
    }

    private static let tooLarge = Violation(problem: "a message is larger than 4 MiB")

    private mutating func nextFrame() throws(Violation) -> (opcode: WebSocket.Opcode, isFinal: Bool, payload: [UInt8])? {
        let rest = bytes[start...]
        guard rest.count >= 2 else { return nil }
        let first = rest[start]
        let second = rest[start + 1]
        guard first & 0x70 == 0, let opcode = WebSocket.Opcode(rawValue: first & 0x0F) else {
            throw Violation(problem: "a frame has an unknown type")
        }
        guard second & 0x80 == 0 else { throw Violation(problem: "a frame is masked, as only a client's are") }
        let isFinal = first & 0x80 != 0
        let isControl = opcode.rawValue >= 8
        let sizeBytes = second == 126 ? 2 : second == 127 ? 8 : 0
        guard !isControl || (isFinal && sizeBytes == 0) else { throw Violation(problem: "a control frame is too large") }
        let headSize = 2 + sizeBytes
        guard rest.count >= headSize else { return nil }
        var length = UInt64(second)
        if sizeBytes > 0 { length = rest.dropFirst(2).prefix(sizeBytes).reduce(0) { $0 << 8 | UInt64($1) } }
        guard length <= UInt64(Self.messageLimit) else { throw Self.tooLarge }
        guard rest.count - headSize >= Int(length) else { return nil }
        let payload = Array(rest.dropFirst(headSize).prefix(Int(length)))
        start += headSize + payload.count
        return (opcode, isFinal, payload)
    }
}
