import Foundation
import JSON
import NIOCore
import SandboxStore

/// Reads Kubernetes' protobuf encoding of a request's body into the same JSON as any other body.
///
/// A field that no ``ProtobufMessage`` names is an error and never skipped, so nothing that a client asked for is lost.
enum ProtobufDecoder {
    static let mediaType = "application/vnd.kubernetes.protobuf"

    /// The four bytes that precede every body: `k8s\0`.
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]

    static func object(_ body: ByteBuffer) throws(APIError) -> JSONValue {
        var body = body
        guard body.readBytes(length: magic.count) == magic else { throw malformed("it does not begin with k8s\\0") }
        // The envelope (runtime.Unknown): typeMeta 1 {apiVersion 1, kind 2}, raw 2, contentEncoding 3, contentType 4.
        var apiVersion = ""
        var kind = ""
        var raw = ByteBuffer()
        while let (number, value) = try field(&body) {
            guard case .bytes(var bytes) = value else { throw malformed("its envelope is not a runtime.Unknown") }
            switch number {
            case 1:
                while let (number, value) = try field(&bytes) {
                    guard case .bytes(let text) = value else { throw malformed("its type is no text") }
                    if number == 1 { apiVersion = String(buffer: text) }
                    if number == 2 { kind = String(buffer: text) }
                }
            case 2: raw = bytes
            default: break
            }
        }
        guard let message = ProtobufMessage.of(apiVersion: apiVersion, kind: kind) else { throw unsupported("a \(kind)") }
        var object = try decode(raw, as: message, kind: kind)
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(kind)
        return object
    }

    // MARK: Values

    private static func decode(_ bytes: ByteBuffer, as message: ProtobufMessage, kind: String) throws(APIError) -> JSONValue {
        var bytes = bytes
        var object: [String: JSONValue] = [:]
        var lists: [String: [JSONValue]] = [:]
        while let (number, wire) = try field(&bytes) {
            guard let (name, field) = message[number] else { throw unsupported("the field number \(number) of a part of a \(kind)") }
            switch field {
            case .ignored: continue
            case .list(let element):
                guard let value = try value(wire, element, kind, isElement: true) else { continue }
                lists[name, default: []].append(value)
            case .map(let element):
                let (key, value) = try entry(wire, element, kind)
                object[name, default: [:]][key] = value
            default: object[name] = try value(wire, field, kind, isElement: false)
            }
        }
        return .object(object.merging(lists.mapValues(JSONValue.array)) { $1 })
    }

    private static func entry(
        _ wire: WireValue, _ element: ProtobufMessage.Field, _ kind: String
    ) throws(APIError) -> (String, JSONValue) {
        guard case .bytes(var bytes) = wire else { throw malformed("a map entry is no message") }
        var key = ""
        var result: JSONValue = ""
        while let (number, wire) = try field(&bytes) {
            if number == 1, case .bytes(let text) = wire { key = String(buffer: text) }
            if number == 2 { result = try value(wire, element, kind, isElement: true) ?? "" }
        }
        return (key, result)
    }

    /// The JSON of one value; `nil` for the zero of a field that is not a pointer.
    private static func value(
        _ wire: WireValue, _ field: ProtobufMessage.Field, _ kind: String, isElement: Bool
    ) throws(APIError) -> JSONValue? {
        switch (field, wire) {
        case (.string, .bytes(let bytes)):
            if bytes.readableBytes == 0, !isElement { return nil }
            return .string(String(buffer: bytes))
        case (.bytes, .bytes(let bytes)): return .string(Data(bytes.readableBytesView).base64EncodedString())
        case (.integer, .number(0)): return nil
        case (.integer, .number(let number)), (.integerPointer, .number(let number)): return .integer(Int64(bitPattern: number))
        case (.bool, .number(0)): return nil
        case (.bool, .number(let number)), (.boolPointer, .number(let number)): return .bool(number != 0)
        case (.time, .bytes(let bytes)): return try time(bytes)
        case (.quantity, .bytes(let bytes)):
            var bytes = bytes
            guard case (1, .bytes(let text))? = try self.field(&bytes) else { throw malformed("a quantity has no text") }
            return .string(String(buffer: text))
        case (.integerOrString, .bytes(let bytes)): return try integerOrString(bytes)
        case (.message(let message), .bytes(let bytes)): return try decode(bytes, as: message, kind: kind)
        default: throw malformed("a field has a wrong wire type")
        }
    }

    /// `metav1.Time`: seconds 1, nanos 2; empty means not set.
    private static func time(_ bytes: ByteBuffer) throws(APIError) -> JSONValue? {
        var bytes = bytes
        var seconds: UInt64?
        while let (number, wire) = try field(&bytes) {
            if number == 1, case .number(let value) = wire { seconds = value }
        }
        guard let seconds else { return nil }
        // The years that RFC 3339 can write.
        guard (-62_135_596_800...253_402_300_799).contains(Int64(bitPattern: seconds)) else { throw malformed("a time is out of range") }
        let date = Date(timeIntervalSince1970: TimeInterval(Int64(bitPattern: seconds)))
        return .string(StoreEnvironment.timestamp(date))
    }

    /// `intstr.IntOrString`: type 1 (0 number, 1 text), intVal 2, strVal 3; the number 0 of a field that was not set counts as not set.
    private static func integerOrString(_ bytes: ByteBuffer) throws(APIError) -> JSONValue? {
        var bytes = bytes
        var isText = false
        var number: Int64 = 0
        var text = ""
        while let (field, wire) = try field(&bytes) {
            switch (field, wire) {
            case (1, .number(let value)): isText = value == 1
            case (2, .number(let value)): number = Int64(bitPattern: value)
            case (3, .bytes(let value)): text = String(buffer: value)
            default: throw malformed("an IntOrString has a field \(field)")
            }
        }
        return isText ? .string(text) : .integer(number)
    }

    // MARK: Wire format

    private enum WireValue {
        case number(UInt64)
        case bytes(ByteBuffer)
    }

    /// The next field, `nil` at the end. Kubernetes' messages have varints and length-delimited fields only.
    private static func field(_ bytes: inout ByteBuffer) throws(APIError) -> (Int, WireValue)? {
        guard bytes.readableBytes > 0 else { return nil }
        let tag = try varint(&bytes)
        switch tag & 7 {
        case 0: return (Int(tag >> 3), .number(try varint(&bytes)))
        case 2:
            let length = try varint(&bytes)
            guard length <= UInt64(bytes.readableBytes), let slice = bytes.readSlice(length: Int(length)) else {
                throw malformed("a field is longer than the message")
            }
            return (Int(tag >> 3), .bytes(slice))
        case let type: throw malformed("a field has the wire type \(type)")
        }
    }

    private static func varint(_ bytes: inout ByteBuffer) throws(APIError) -> UInt64 {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.readInteger(as: UInt8.self) else { throw malformed("it ends within a number") }
            result |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return result }
        }
        throw malformed("a number has more than 64 bits")
    }

    private static func malformed(_ why: String) -> APIError { .badRequest("the request's body is no valid Kubernetes protobuf: \(why)") }

    private static func unsupported(_ what: String) -> APIError {
        .unsupportedMediaType(
            "the sandbox does not read \(what) sent as protobuf; send JSON instead: "
                + "with kubectl, write the object as YAML (--dry-run=client -o yaml) and apply it")
    }
}
