import Foundation

@testable import Kubernetes

/// A watch tells the same however its stream is cut.
func fuzzWatch(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    expect(told(stream.pieces) == told([stream.whole]), "pieces are read otherwise than the whole")
}

private enum Told: Equatable {
    case pod(String, Pod)
    case error(KubernetesError.Code)
    case seen
}

private func told(_ pieces: [[UInt8]]) -> [Told] {
    let now = ContinuousClock.now
    var splitter = LineSplitter()
    var machine = WatchStateMachine<Pod>(now: now)
    var told: [Told] = []
    _ = machine.opened(at: now)
    for piece in pieces {
        guard let lines = try? splitter.append(piece) else { return told }
        for line in lines {
            do {
                for change in try machine.received(line, at: now, request: "fuzz") {
                    switch change {
                    case .added(let pod): told.append(.pod("added", pod))
                    case .modified(let pod): told.append(.pod("modified", pod))
                    case .deleted(let pod): told.append(.pod("deleted", pod))
                    case .synced, .blind, .sighted: told.append(.seen)
                    }
                }
            } catch {
                var random = SystemRandomNumberGenerator()
                _ = try? machine.failed(error, at: now, random: &random)
                return told + [.error(error.code)]
            }
        }
    }
    return told
}

/// The answer to the request for a WebSocket and what follows it: by the end the outcome is known, or the command was not started.
/// With a zero in the second byte the server's handshake is right, and the rest are its frames.
func fuzzExec(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes), let kind = stream.whole.first else { return }
    var conversation = ExecConversation(["GET / HTTP/1.1"], input: Data("x".utf8), outputLimit: 1 << 10)
    var isAccepted = false
    if kind == 0 {
        let head = String(decoding: conversation.head, as: UTF8.self)
        let key = head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
        let answer = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: \(WebSocket.accept(String(key)))\r\n\r\n"
        isAccepted = (try? conversation.received(Array(answer.utf8))) != nil
        expect(isAccepted, "a right handshake is refused")
    }
    for piece in stream.pieces {
        guard (try? conversation.received(piece)) != nil else { return }
    }
    let outcome = conversation.ended("over")
    expect(!isAccepted || outcome != nil, "a command that was started has no outcome")
    guard case .ended(let result)? = outcome else { return }
    expect(result.standardOutput.count <= 1 << 10 && result.standardError.count <= 1 << 10, "more is kept than the limit")
}

/// Messages, and refusals with their bodies, are the same however the stream is cut.
func fuzzWebSocket(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    func messages(_ pieces: [[UInt8]]) -> [WebSocketDecoder.Message] {
        var decoder = WebSocketDecoder()
        var messages: [WebSocketDecoder.Message] = []
        for piece in pieces {
            decoder.append(piece)
            do { while let message = try decoder.next() { messages.append(message) } } catch { return messages }
        }
        return messages
    }
    expect(messages(stream.pieces) == messages([stream.whole]), "pieces are read otherwise than the whole")
    func answer(_ pieces: [[UInt8]]) -> ExecRefusal? {
        var answer = UpgradeAnswer()
        for piece in pieces {
            switch answer.append(piece) {
            case nil: continue
            case .refused(let refusal): return refusal
            case .garbage, .upgraded: return nil
            }
        }
        return answer.ended()
    }
    expect(answer(stream.pieces) == answer([stream.whole]), "a refusal in pieces is read otherwise than the whole")
}

/// A kubeconfig and the choice of its cluster, without anything of the machine's own: it is taken, or the reason is told.
func fuzzKubeconfig(_ bytes: [UInt8]) {
    do {
        var kubeconfig = Kubeconfig()
        try kubeconfig.merge(KubeconfigText.parse(bytes, path: "/nowhere/fuzz"), from: "/nowhere/fuzz")
        let surroundings = ClusterConfiguration.Surroundings(environment: [:], home: "/nowhere", serviceAccountFolder: "/nowhere")
        _ = try KubeconfigResolver(kubeconfig: kubeconfig, overrides: KubeconfigOverrides(), surroundings: surroundings).resolve()
    } catch {
        expect(!error.message.isEmpty, "a kubeconfig is refused without a reason")
    }
}
