import Foundation
import JSON
import NIOCore
@testable import Sandbox
@testable import SandboxSQL

/// An array of two: the patch and the object.
func fuzzPatches(_ bytes: [UInt8]) {
    guard let pair = (try? JSONValue(parsing: Data(bytes)))?.array, pair.count == 2 else { return }
    _ = try? JSONPatch.apply(pair[0], to: pair[1])
    _ = MergePatch.apply(pair[0], to: pair[1])
    _ = try? StrategicMergePatch.apply(pair[0], to: pair[1], nil)
}

func fuzzProtobuf(_ bytes: [UInt8]) {
    _ = try? ProtobufDecoder.object(ByteBuffer(bytes: bytes))
}

func fuzzSelectors(_ bytes: [UInt8]) {
    guard let selector = try? LabelSelector(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
    _ = selector.matches(["app": "sql"])
    guard let again = try? LabelSelector(parsing: selector.description) else { fatalError("its own text is refused: \(selector)") }
    precondition(again == selector, "its own text means something else: \(selector)")
}

func fuzzSQL(_ bytes: [UInt8]) {
    _ = try? Parser.statements(of: String(decoding: bytes, as: UTF8.self))
}
