import Foundation
package import JSON
package import NIOCore
import NIOPosix
import Network
import SandboxStore

/// One container probe (https://kubernetes.io/docs/concepts/workloads/pods/probes/): runs it and counts its outcomes.
struct ProbeThreshold: Sendable {
    let success: Int
    let failure: Int
    private var successes = 0
    private var failures = 0

    init(_ probe: JSONValue) {
        success = Int(probe["successThreshold"]?.integer ?? 1)
        failure = Int(probe["failureThreshold"]?.integer ?? 3)
    }

    /// - Returns: What the probe says now; `nil` while it is undecided.
    mutating func record(_ isSuccess: Bool) -> Bool? {
        if isSuccess {
            successes += 1
            failures = 0
            return successes >= success ? true : nil
        }
        failures += 1
        successes = 0
        return failures >= failure ? false : nil
    }
}

/// Runs probes' actions.
package struct Prober: Sendable {
    package let group: any EventLoopGroup

    package init(group: any EventLoopGroup) {
        self.group = group
    }

    /// - Returns: `nil` for success, otherwise what went wrong in the kubelet's words.
    package func check(_ probe: JSONValue, _ container: JSONValue, _ namespace: ContainerNamespace, podIP: String) async -> String? {
        let timeout = Duration.seconds(max(probe["timeoutSeconds"]?.integer ?? 1, 1))
        if let command = probe[path: "exec", "command"]?.array?.compactMap(\.string) {
            return await run(command, namespace, timeout)
        }
        let action = probe["tcpSocket"] ?? probe["httpGet"] ?? [:]
        guard let port = Self.port(action["port"], container) else { return "no port \(action["port"]?.string ?? "")" }
        let host = action["host"]?.string ?? podIP
        if probe["tcpSocket"] != nil { return await connect(host, port, timeout) }
        if probe["httpGet"] != nil { return await get(host, port, action, timeout) }
        return "the sandbox knows exec, tcpSocket and httpGet probes only"
    }

    private static func port(_ value: JSONValue?, _ container: JSONValue) -> Int? {
        if let number = value?.integer { return Int(number) }
        guard let name = value?.string else { return nil }
        if let number = Int(name) { return number }
        return (container["ports"]?.array ?? []).first { $0["name"]?.string == name }?["containerPort"]?.integer.map(Int.init)
    }

    private func run(_ command: [String], _ namespace: ContainerNamespace, _ timeout: Duration) async -> String? {
        let exec = namespace.exec(command)
        let alarm = Task {
            try await Task.sleep(for: timeout)
            await exec.cancel()
        }
        defer { alarm.cancel() }
        var text = ""
        do {
            for try await piece in exec.output {
                switch piece {
                case .stdout(let bytes), .stderr(let bytes): if text.utf8.count < 4096 { text += String(buffer: bytes) }
                }
            }
        } catch {}
        switch await exec.exit() {
        case .exited(code: 0): return nil
        case .exited: return text
        case .failed(let message): return message
        }
    }

    private func bootstrap(_ timeout: Duration) -> ClientBootstrap {
        ClientBootstrap(group: group).connectTimeout(.nanoseconds(Int64(timeout / .nanoseconds(1))))
    }

    private func connect(_ host: String, _ port: Int, _ timeout: Duration) async -> String? {
        do {
            let channel = try await bootstrap(timeout).connect(host: host, port: port).get()
            try? await channel.close()
            return nil
        } catch {
            return "dial tcp \(HostPort.text(host, port)): \(Self.describe(error))"
        }
    }

    private static func describe(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError, let first = error.connectionErrors.first { return describe(first.error) }
        if let error = error as? IOError { return "connect: \(String(cString: strerror(error.errnoCode)).lowercased())" }
        if case .connectTimeout = error as? ChannelError { return "i/o timeout" }
        return "\(error)"
    }

    private func get(_ host: String, _ port: Int, _ action: JSONValue, _ timeout: Duration) async -> String? {
        let path = action["path"]?.string ?? "/"
        do {
            let channel = try await bootstrap(timeout).connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
            let alarm = channel.channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(timeout / .nanoseconds(1)))) {
                channel.channel.close(promise: nil)
            }
            defer { alarm.cancel() }
            let line = try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(
                    ByteBuffer(
                        string:
                            "GET \(path) HTTP/1.1\r\nHost: \(HostPort.text(host, port))\r\nUser-Agent: kube-probe/1.34\r\nConnection: close\r\n\r\n"
                    )
                )
                var answer = ""
                for try await part in inbound {
                    answer += String(buffer: part)
                    if answer.contains("\r\n") || answer.utf8.count > 1024 { break }
                }
                return answer
            }
            let code = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            return (200..<400).contains(code) ? nil : "HTTP probe failed with statuscode: \(code)"
        } catch {
            return "Get \"http://\(HostPort.text(host, port))\(path)\": \(Self.describe(error))"
        }
    }
}
