import Foundation
import JSON
import NIOCore
import NIOPosix
import SandboxFixtures
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// A whole cluster: real pods behind a real Service address.
@Suite(.serialized) struct SandboxNodeTests {
    /// Answers every connection with a line of its own and what is in its volume, and then whatever it is sent.
    private static let server = """
        my $s = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => 7000, Listen => 64, ReuseAddr => 1) or die $!; \
        $SIG{CHLD} = "IGNORE"; $SIG{TERM} = sub { exit 0 }; \
        while (my $c = $s->accept) { next if fork; open my $f, "<", "/data/starts"; my @l = <$f>; print $c scalar(@l), "\\n"; \
        while (my $l = <$c>) { print $c $l } exit 0 }
        """

    private static let manifest = """
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        ---
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo"},
         "spec": {"selector": {"app": "echo"}, "ports": [{"port": 7000}]}}
        ---
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "echo"}, "spec": {"selector": {"matchLabels": {"app": "echo"}},
         "strategy": {"type": "Recreate"}, "template": {"metadata": {"labels": {"app": "echo"}}, "spec": {"terminationGracePeriodSeconds": 1,
         "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}], "containers": [{"name": "echo", "image": "perl",
         "command": ["sh", "-c", "echo x >> /data/starts; exec perl -MIO::Socket::INET -MIO::Handle -e \\"$0\\"", SERVER],
         "volumeMounts": [{"name": "data", "mountPath": "/data"}], "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1}}]}}}}
        """

    private func withEcho(_ body: (SandboxCluster, NodeFleet, String) async throws -> Void) async throws {
        let cluster = try await SandboxCluster.start()
        do {
            let server = String(decoding: try JSONValue.string(Self.server).data(), as: UTF8.self)
            try cluster.apply(yaml: Self.manifest.replacing("SERVER", with: server), source: "test")
            try await ready(cluster)
            let address = try #require(
                try cluster.store.get(ObjectKey(.services, namespace: "default", name: "echo"))[path: "spec", "clusterIP"]?.string)
            let fleet = try #require(cluster.fleet)
            try await body(cluster, fleet, address)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    /// Waits until a pod is ready, other than an old one.
    @discardableResult
    private func ready(_ cluster: SandboxCluster, not old: String = "") async throws -> JSONValue {
        for try await event in try cluster.store.watch(.pods) where event.kind != .deleted {
            if event.object.isReady, !event.object.isBeingDeleted, event.object.uid != old { return event.object }
        }
        throw SandboxError("the watch has ended")
    }

    /// The same once the proxy has opened the address, which nothing but connecting tells.
    private func firstGreeting(_ address: String) async throws -> String {
        while true {
            do {
                return try await greeting(address)
            } catch let error as NIOConnectionError {
                guard (error.connectionErrors.first?.error as? IOError)?.errnoCode == ECONNREFUSED else { throw error }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// The greeting of a new connection; throws the errors of connecting.
    private func greeting(_ address: String, timeout: TimeAmount = .seconds(10)) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(timeout)
            .connect(host: address, port: 7000) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        return try await channel.executeThenClose { inbound, _ in
            var text = ""
            for try await bytes in inbound {
                text += String(buffer: bytes)
                if text.hasSuffix("\n") { break }
            }
            return text
        }
    }

    @Test(.timeLimit(.minutes(2))) func dataAndAddressSurviveTheLossOfAPodAndOfItsNode() async throws {
        try await withEcho { cluster, fleet, address in
            #expect(try await firstGreeting(address) == "1\n")
            let first = try #require(cluster.store.list(.pods).first)
            try cluster.store.delete(.pod(first.name))
            let second = try await ready(cluster, not: first.uid)
            #expect(second.nodeName == first.nodeName)
            #expect(try await firstGreeting(address) == "2\n")

            try await fleet.operate(.powerOff, node: second.nodeName)
            for try await event in try cluster.store.watch(.nodes) where event.object.name == second.nodeName && !event.object.isReady {
                break
            }
            // Deleted by force, as an administrator would who knows that the node is off. Before the cluster knows it too, the
            // replacement would be placed on the dead node again, next to its volume.
            try cluster.store.delete(.pod(second.name), .confirmed(uid: second.uid))
            let third = try await ready(cluster, not: second.uid)
            #expect(third.nodeName != second.nodeName)
            #expect(try await firstGreeting(address) == "3\n")
            try await fleet.operate(.start, node: second.nodeName)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aNodeWithoutPowerIsSilentAndAServiceWithoutPodsRefuses() async throws {
        try await withEcho { cluster, fleet, address in
            _ = try await firstGreeting(address)
            let pod = try #require(cluster.store.list(.pods).first)
            try await fleet.operate(.powerOff, node: pod.nodeName)
            let silence = await #expect(throws: (any Error).self) { try await greeting(address, timeout: .milliseconds(300)) }
            #expect(silence is NIOConnectionError || "\(String(describing: silence))".contains("imeout"))
            for try await event in try cluster.store.watch(.nodes) where event.object.name == pod.nodeName && !event.object.isReady {
                break
            }
            for try await event in try cluster.store.watch(.endpointSlices)
            where event.object.labels["kubernetes.io/service-name"] == "echo"
                && event.object["endpoints"]?[0]?[path: "conditions", "ready"] == false
            {
                break
            }
            // The proxy closes the address right after: until then connecting is met with silence, never with an answer.
            var refusal: IOError?
            while refusal == nil {
                do {
                    _ = try await greeting(address, timeout: .milliseconds(300))
                    Issue.record("somebody answered")
                    return
                } catch let error as NIOConnectionError {
                    refusal = error.connectionErrors.first?.error as? IOError
                } catch let error as IOError {
                    refusal = error
                } catch {}
            }
            #expect(refusal?.errnoCode == ECONNREFUSED || refusal?.errnoCode == ECONNRESET)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aConnectionSurvivesAShortCut() async throws {
        try await withEcho { cluster, fleet, address in
            _ = try await firstGreeting(address)
            let node = try #require(cluster.store.list(.pods).first).nodeName
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: address, port: 7000) {
                channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
            try await channel.executeThenClose { inbound, outbound in
                var lines = inbound.makeAsyncIterator()
                _ = try await lines.next()
                try await fleet.operate(.cut, node: node)
                try await outbound.write(ByteBuffer(string: "late\n"))
                try await fleet.operate(.heal, node: node)
                let answer = try await lines.next()
                #expect(answer.map { String(buffer: $0) } == "late\n")
            }
        }
    }
}
