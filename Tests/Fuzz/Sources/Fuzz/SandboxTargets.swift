import Foundation
import JSON
import NIOCore

@testable import SandboxAPI
@testable import SandboxStore

/// An array of two: the patch and the object. A merge patch applied twice does what it does once (RFC 7386).
func fuzzPatches(_ bytes: [UInt8]) {
    guard let pair = (try? JSONValue(parsing: Data(bytes)))?.array, pair.count == 2 else { return }
    _ = try? JSONPatch.apply(pair[0], to: pair[1])
    _ = try? StrategicMergePatch.apply(pair[0], to: pair[1], FieldSchema.of(.pods))
    let merged = MergePatch.apply(pair[0], to: pair[1])
    expect(MergePatch.apply(pair[0], to: merged) == merged, "a merge patch does more when it is applied again")
}

/// An object that came as protobuf is one that JSON can hold.
func fuzzProtobuf(_ bytes: [UInt8]) {
    guard let object = try? ProtobufDecoder.object(ByteBuffer(bytes: bytes)) else { return }
    guard let data = try? object.data(), let again = try? JSONValue(parsing: data) else { fatalError("it is no JSON: \(object)") }
    expect(again == object, "it is another JSON: \(object)")
}

/// A selector's text means the selector.
func fuzzSelectors(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let fields = try? FieldSelector(parsing: text, for: .pods) { _ = fields.matches(["metadata": ["name": "a"]]) }
    guard let selector = try? LabelSelector(parsing: text) else { return }
    _ = selector.matches(["app": "sql"])
    guard let again = try? LabelSelector(parsing: selector.description) else { fatalError("its own text is refused: \(selector)") }
    expect(again.matches(["app": "sql"]) == selector.matches(["app": "sql"]), "its own text means something else: \(selector)")
    expect(again.description == selector.description, "its own text has another text: \(selector) and \(again)")
}
