import Foundation
import Yams
@testable import Kubernetes

/// The first byte is the size of the pieces in which the stream comes.
func fuzzWatch(_ bytes: [UInt8]) {
    guard let size = bytes.first.map({ max(1, Int($0)) }) else { return }
    var splitter = LineSplitter(limit: 4096)
    var machine = WatchStateMachine<Pod>(now: .now)
    _ = machine.opened(at: .now)
    let stream = Array(bytes.dropFirst())
    for start in stride(from: 0, to: stream.count, by: size) {
        guard let lines = try? splitter.append(Array(stream[start..<min(start + size, stream.count)])) else { return }
        for line in lines { _ = try? machine.received(line, at: .now, request: "fuzz") }
    }
}

func fuzzExec(_ bytes: [UInt8]) {
    var conversation = ExecConversation(["GET / HTTP/1.1"], input: nil, outputLimit: 1 << 16)
    guard let size = bytes.first.map({ max(1, Int($0)) }) else { return }
    let stream = Array(bytes.dropFirst())
    for start in stride(from: 0, to: stream.count, by: size) {
        guard (try? conversation.received(Array(stream[start..<min(start + size, stream.count)]))) != nil else { return }
    }
    _ = conversation.ended("over")
}

func fuzzWebSocket(_ bytes: [UInt8]) {
    var decoder = WebSocketDecoder()
    decoder.append(bytes)
    while let message = try? decoder.next() { _ = message }
}

func fuzzKubeconfig(_ bytes: [UInt8]) {
    _ = try? YAMLDecoder().decode(KubeconfigFile.self, from: String(decoding: bytes, as: UTF8.self))
}
