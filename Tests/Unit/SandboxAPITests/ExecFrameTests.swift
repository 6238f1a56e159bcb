import Foundation
import JSON
import KubernetesAPI
import NIOCore
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct ExecFrameTests {
    private func frame(_ bytes: [UInt8], _ version: ExecProtocol = .v5) -> ExecFrame { ExecFrame(ByteBuffer(bytes: bytes), version) }

    @Test func channelsAreToldApart() {
        #expect(frame([0, 65, 66]) == .stdin(ByteBuffer(string: "AB")))
        #expect(frame([4] + Array(#"{"Width":80,"Height":24}"#.utf8)) == .resize(columns: 80, rows: 24))
        #expect(frame([255, 0]) == .closeInput)
    }

    @Test func onlyVersionFiveClosesItsInput() { #expect(frame([255, 0], .v4) == .unknown) }

    @Test(arguments: [[], [1, 65], [9], [255], [255, 1], [4], [4, 123], [4] + Array(#"{"Width":-1,"Height":24}"#.utf8)] as [[UInt8]])
    func whatMakesNoSenseIsIgnored(bytes: [UInt8]) { #expect(frame(bytes) == .unknown) }

    @Test func theEndSaysTheExitCode() throws {
        func status(_ exit: ExecExit) throws -> JSONValue {
            var message = ExecFrame.message(exit, command: ["sh", "-c", "exit 3"])
            #expect(message.readInteger(as: UInt8.self) == 3)
            return try JSONValue(parsing: Data(message.readableBytesView))
        }
        #expect(try status(.exited(code: 0))["status"] == "Success")
        let failure = try status(.exited(code: 3))
        #expect(failure["reason"] == "NonZeroExitCode")
        #expect(failure[path: "details", "causes"] == [["reason": "ExitCode", "message": "3"]])
        #expect(try status(.failed("the container is gone"))["message"]?.string?.contains("the container is gone") == true)
    }
}

@Suite struct ProtobufDecoderTests {
    /// A length-delimited field.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }

    private func body(_ apiVersion: String, _ kind: String, _ raw: [UInt8]) -> ByteBuffer {
        let type = field(1, Array(apiVersion.utf8)) + field(2, Array(kind.utf8))
        return ByteBuffer(bytes: [0x6b, 0x38, 0x73, 0x00] + field(1, type) + field(2, raw) + field(3, []) + field(4, []))
    }

    @Test func anObjectIsRead() throws {
        let entry = field(1, Array("key".utf8)) + field(2, Array("value".utf8))
        let raw = field(1, field(1, Array("a".utf8)) + field(2, []) + [7 << 3, 0] + field(8, [])) + field(2, entry)
        #expect(
            try ProtobufDecoder.object(body("v1", "ConfigMap", raw))
                == ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["key": "value"]])
    }

    @Test func aFieldThatIsNotKnownIsNotDropped() {
        let error = #expect(throws: APIError.self) { try ProtobufDecoder.object(body("v1", "ConfigMap", field(9, [1]))) }
        #expect(error?.code == 415)
        #expect(error?.message.contains("dry-run=client") == true)
    }

    @Test(
        arguments: [
            [], [0x6b, 0x38, 0x73], [0x6b, 0x38, 0x73, 0x00, 0x0a, 0x7f], [0x6b, 0x38, 0x73, 0x00, 0x80], [0x6b, 0x38, 0x73, 0x00, 0x0d],
        ] as [[UInt8]])
    func aBrokenBodyIsRefused(bytes: [UInt8]) {
        #expect(throws: APIError.self) { try ProtobufDecoder.object(ByteBuffer(bytes: bytes)) }
    }

    @Test func aCutBodyIsRefusedOrAPrefixOfTheWhole() throws {
        let whole = body("v1", "Namespace", field(1, field(1, Array("sql".utf8))))
        for length in 0..<whole.readableBytes {
            let cut = try #require(whole.getSlice(at: 0, length: length))
            // A frame must never be cut off by an accident of the program.
            _ = try? ProtobufDecoder.object(cut)
        }
        #expect(try ProtobufDecoder.object(whole).name == "sql")
    }
}
