import Foundation
import NIOCore
import NIOSSL
import Synchronization

@testable import Kubernetes

/// API servers with one pod and one command that write down who asked for what: enough for `kubectl exec`, which first reads the pod.
final class RecordingAPI: Sendable {
    private let log = Mutex<[String]>([])

    /// The requests for the pod, each once, in order.
    var records: [String] {
        log.withLock { lines in
            var seen: Set<String> = []
            return lines.filter { seen.insert($0).inserted }
        }
    }

    func forget() { log.withLock { $0 = [] } }

    func answer(_ server: String, _ request: TestServer.Request, _ peer: TestServer.Peer) {
        let target = URLComponents(string: request.target)?.path ?? request.path
        let path = target.hasPrefix("/base/") ? String(target.dropFirst(5)) : target
        let parts = path.split(separator: "/")
        switch path {
        case "/api": peer.answer(200, #"{"kind": "APIVersions", "versions": ["v1"]}"#)
        case "/apis": peer.answer(200, #"{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}"#)
        case "/api/v1":
            peer.answer(
                200,
                #"{"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "pods", "singularName": "", "namespaced": true, "kind": "Pod", "verbs": ["get"]}]}"#
            )
        case _ where parts.count >= 6 && parts[2] == "namespaces" && parts[4] == "pods":
            note(server, String(parts[3]), isBase: target != path, request, peer)
            if request.headers["authorization"]?.contains("refused") == true {
                return peer.answer(
                    401, #"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}"#)
            }
            guard parts.last == "exec" else {
                let pod = #"{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "\#(parts[3])"}"#
                return peer.answer(200, pod + #", "spec": {"containers": [{"name": "c", "image": "i"}]}, "status": {"phase": "Running"}}"#)
            }
            upgrade(request, peer)
        default: peer.answer(404, #"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}"#)
        }
    }

    private func note(_ server: String, _ namespace: String, isBase: Bool, _ request: TestServer.Request, _ peer: TestServer.Peer) {
        var words = [server, isBase ? "/base" : "", request.path.hasSuffix("/exec") ? "exec" : "get", namespace]
        words.append("host=\(request.headers["host"] ?? "")")
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key })
        where name == "authorization" || name.hasPrefix("impersonate-") {
            words.append("\(name)=\(value)")
        }
        // On the server's own event loop.
        if let tls = try? peer.channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self) {
            words.append("cn=\(tls.peerCertificate.map { "\($0)".contains("admin") ? "admin" : "other" } ?? "none")")
        }
        log.withLock { $0.append(words.joined(separator: " ")) }
    }

    private func upgrade(_ request: TestServer.Request, _ peer: TestServer.Peer) {
        guard let key = request.headers["sec-websocket-key"] else { return peer.answer(400, "{}") }
        let version = (request.headers["sec-websocket-protocol"] ?? "").split(separator: ",").first.map(String.init) ?? ""
        let status = #"{"metadata":{},"status":"Success"}"#
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: \(WebSocket.accept(key))\r\nSec-WebSocket-Protocol: \(version)\r\n\r\n")
        // kubectl waits for the end of the connection as well.
        peer.send([0x82, 3, 1, 111, 107] + [0x82, UInt8(status.utf8.count + 1), 3] + Array(status.utf8) + [0x88, 2, 3, 0xE8])
        peer.close()
    }
}
