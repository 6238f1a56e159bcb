import Foundation
import JSON
import KubernetesAPI
import NIOCore
import SandboxStore

/// The channels of exec over WebSocket: the first byte of a binary message says which
/// (https://kubernetes.io/docs/reference/using-api/websockets/; apimachinery pkg/util/remotecommand).
enum ExecFrame: Equatable {
    /// The largest message that is accepted, in bytes; kubectl sends 32 KiB.
    static let sizeLimit = 1 << 20

    case stdin(ByteBuffer)
    case resize(columns: Int, rows: Int)
    case closeInput
    /// A channel or content that this version does not have; ignored, as the API server does.
    case unknown

    init(_ message: ByteBuffer, _ version: ExecProtocol) {
        var message = message
        switch message.readInteger(as: UInt8.self).flatMap(ExecChannel.init) {
        case .standardInput: self = .stdin(message)
        case .resize:
            let size = try? JSONValue(parsing: Data(message.readableBytesView))
            guard let columns = size?["Width"]?.integer, let rows = size?["Height"]?.integer, (1...65535).contains(columns),
                (1...65535).contains(rows)
            else {
                self = .unknown
                return
            }
            self = .resize(columns: Int(columns), rows: Int(rows))
        case .close where version == .v5:
            self = message.readInteger() == ExecChannel.standardInput.rawValue ? .closeInput : .unknown
        default: self = .unknown
        }
    }

    static func message(_ output: ExecOutput) -> ByteBuffer {
        switch output {
        case .stdout(let bytes): message(.standardOutput, bytes)
        case .stderr(let bytes): message(.standardError, bytes)
        }
    }

    /// The last message: how the program ended.
    static func message(_ exit: ExecExit, command: [String]) -> ByteBuffer {
        let status: JSONValue =
            switch exit {
            case .exited(code: 0): ["metadata": [:], "status": "Success"]
            case .exited(let code):
                [
                    "metadata": [:], "status": "Failure", "reason": "NonZeroExitCode",
                    "message": .string("command terminated with non-zero exit code: \(command.joined(separator: " ")), exit code \(code)"),
                    "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
                ]
            case .failed(let message):
                [
                    "metadata": [:], "status": "Failure", "reason": "InternalError", "code": 500,
                    "message": .string("Internal error occurred: \(message)"),
                ]
            }
        return message(.error, JSONLine.bytes(status))
    }

    static func message(_ error: APIError) -> ByteBuffer { message(.error, JSONLine.bytes(error.status)) }

    private static func message(_ channel: ExecChannel, _ bytes: ByteBuffer) -> ByteBuffer {
        var message = ByteBuffer()
        message.reserveCapacity(bytes.readableBytes + 1)
        message.writeInteger(channel.rawValue)
        message.writeImmutableBuffer(bytes)
        return message
    }
}
