import Foundation
import NIOCore
import Testing

@testable import SandboxNodes
@testable import SandboxStore

/// A pod with every power that the sandbox gives (`privileged`, `hostPID`, `hostPath: /`) finds nothing of the host.
@Suite struct EscapeTests {
    /// Looks for a file of the host by every way out that a pod of a real node has.
    private static let search = """
        ways() {
            for process in /proc/[0-9]*; do
                echo $process/root $process/cwd
                for descriptor in $process/fd/*; do [ -d $descriptor ] && echo $descriptor $descriptor/..; done
            done
            echo / /host /proc/1/root/.host /proc/self/root /sys /dev
        }
        for way in $(ways); do
            for file in "$@"; do [ -e "$way$file" ] && echo "found $way$file"; done
        done
        # From among the node's own mounts, under what is mounted over them.
        nsenter --target 1 --mount --pid sh -c '
            for n in 1 2 3; do
                for at in $(cut -d " " -f 2 /proc/self/mounts | sort -r); do [ "$at" = / ] || [ "$at" = /proc ] || umount -l "$at" 2>/dev/null; done
            done
            for file in "$@"; do [ ! -e "$file" ] || echo "found mounted $file"; done' sh "$@"
        for descriptor in /proc/1/fd/* /proc/[0-9]*/fd/*; do
            [ -b $descriptor ] && echo "found disk $descriptor"
        done
        ls -d /sys/* /proc/1/root/sys/* /dev/sd* /dev/vd* /dev/mem /dev/kmsg 2>/dev/null
        echo looked
        """

    @Test func aPrivilegedPodOfTheNodeFindsNothingOfTheHost() async throws {
        // Only the owner may read this secret. An ordinary user who runs the sandbox is the owner.
        var template = Array("/var/tmp/aftershock-secret-XXXXXX".utf8CString)
        let outside = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: outside) }
        try "private key".write(toFile: outside + "/id", atomically: true, encoding: .utf8)

        try await Self.withNode { machine, node in
            let neighbour = try await node.startContainer(Self.specify(["sleep", "1000"], in: machine)) { _ in }
            let helper = neighbour.exec(["sleep", "1000"])
            var priv = try Self.specify(
                [
                    "sh", "-c", Self.search, "sh", outside + "/id", "/etc/shadow", "/etc/passwd-", "/root/.ssh", "/root/.bashrc", "/boot",
                    "/var/lib/dpkg",
                ],
                in: machine)
            priv.processes = .host
            priv.isPrivileged = true
            priv.mounts = [
                .init(hostPath: machine.directory + "/nodes/worker", path: "/host", isReadOnly: false, kind: .host(type: "", path: "/"))
            ]
            let output = Output()
            let container = try await node.startContainer(priv) { output.append($0) }
            #expect(await container.exit.containerCode == 0)
            #expect(output.lines == ["looked"])
            await helper.cancel()
            neighbour.kill()
        }
    }

    @Test func aLinkThatAPodPutsIntoAVolumeLeadsNowhereElse() async throws {
        try await Self.withNode { machine, node in
            let volume = try machine.makeFolder("volumes/data")
            let files = machine.directory + "/nodes/worker"
            func run(_ command: String, _ mounts: [ContainerSpecification.Mount]) async throws -> [String] {
                var specification = try Self.specify(["sh", "-c", command], in: machine)
                specification.mounts = mounts
                let output = Output()
                let container = try await node.startContainer(specification) { output.append($0) }
                _ = await container.exit
                return output.lines
            }
            let target = "/var/tmp/aftershock-link-\(UInt32.random(in: 0 ... .max))"
            _ = try await run(
                "ln -s /var/tmp /data/out; ln -s / /node/root",
                [
                    .init(hostPath: volume, path: "/data", isReadOnly: false),
                    .init(hostPath: files, path: "/node", isReadOnly: false, kind: .host(type: "", path: "/")),
                ])
            // A sub-path and a host path are made among the node's own files, or not at all.
            let made = "\(volume)/out/" + target.split(separator: "/").last!
            let lines = try? await run(
                "ls /sub /node", [.init(hostPath: made, path: "/sub", isReadOnly: false, kind: .folder)])
            #expect(!FileManager.default.fileExists(atPath: target), "\(String(describing: lines))")
            let root = try? await run(
                "ls /node", [.init(hostPath: files + "/root", path: "/node", isReadOnly: false, kind: .host(type: "", path: "/root"))])
            #expect(root?.contains("boot") != true && root?.contains("home") != true, "\(String(describing: root))")
            #expect(throws: IsolationError.self) { try machine.makeFolder("volumes/data/out/x") }
            #expect(throws: IsolationError.self) { try machine.write("x".utf8, to: "y", in: "volumes/data/out") }
        }
    }

    @Test func aFileOfTheNodeIsMountedAsOne() async throws {
        try await Self.withNode { machine, node in
            let files = machine.directory + "/nodes/worker"
            func run(_ type: String, _ path: String, _ command: String = "cat /it") async throws -> [String] {
                var specification = try Self.specify(["sh", "-c", command], in: machine)
                specification.mounts = [
                    .init(hostPath: files + path, path: "/it", isReadOnly: false, kind: .host(type: type, path: path))
                ]
                let output = Output()
                let container = try await node.startContainer(specification) { output.append($0) }
                _ = await container.exit
                return output.lines
            }
            let written = try await run("FileOrCreate", "/data/setup.sql", "echo SELECT 1 > /it")
            #expect(written == [])
            for type in ["File", ""] {
                let lines = try await run(type, "/data/setup.sql")
                #expect(lines == ["SELECT 1"])
            }
            let release = try await run("", "/etc/os-release")
            #expect(release.contains { $0.hasPrefix("PRETTY_NAME=") })
            let refusals = [("File", "/data/missing", "file"), ("Directory", "/data/setup.sql", "directory")]
            for (type, path, word) in refusals {
                do {
                    _ = try await run(type, path)
                    Issue.record("\(path) was taken for a \(word)")
                } catch let error as IsolationError {
                    #expect(error.description == "hostPath type check failed: \(path) is not a \(word)")
                }
            }
        }
    }

    @Test func aContainerRunsAsItsUserAndExecToo() async throws {
        try await Self.withNode { machine, node in
            let folder = try machine.makeFolder("volumes/data")
            var specification = try Self.specify(
                [
                    "sh", "-c",
                    "id -u; id -g; touch /data/mine; stat -c %u:%g /data/mine; unshare --user true 2>/dev/null && echo nested; "
                        + "mount -t tmpfs x /tmp 2>/dev/null && echo mounted; echo up; exec sleep 1000",
                ], in: machine)
            specification.user = 10001
            specification.group = 10002
            specification.mounts = [.init(hostPath: folder, path: "/data", isReadOnly: false)]
            let output = Output()
            let container = try await node.startContainer(specification) { output.append($0) }
            await output.wait(for: "up")
            #expect(output.lines == ["10001", "10002", "10001:10002", "up"])
            let exec = container.exec([
                "sh", "-c", "id -u; id -g; kill -0 1 && echo same; mount -t tmpfs x /tmp 2>/dev/null && echo mounted; exit 3",
            ])
            var text = ""
            for try await case .stdout(let bytes) in exec.output { text += String(buffer: bytes) }
            #expect(text == "10001\n10002\nsame\n")
            #expect(await exec.exit() == .exited(code: 3))
            container.kill()
        }
    }

    @Test func containersOfAPodCanShareTheirProcesses() async throws {
        try await Self.withNode { machine, node in
            let pod = try await node.startPod(hostName: "pair", userNamespaces: 1)
            func specify(_ command: String) throws -> ContainerSpecification {
                var specification = try Self.specify(["sh", "-c", command], in: machine)
                specification.processes = .shared
                return specification
            }
            var first = try specify("exec sleep 424242")
            first.identifier = "one"
            let output = Output()
            let sleeper = try await pod.startContainer(first) { _ in }
            let looker = try await pod.startContainer(
                try specify(
                    "hostname; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q '^sleep 424242' && kill -TERM ${p#/proc/}; done; "
                        + "ls /proc/1/root/ 2>&1 | grep -c mounts.list; echo $$")
            ) { output.append($0) }
            #expect(await looker.exit.containerCode == 0)
            #expect(await sleeper.exit.containerCode == 143)
            let lines = output.lines
            #expect(lines.first == "pair")
            #expect(lines.dropFirst().first == "0")
            #expect(lines.last != "1")
            await pod.powerOff()
        }
    }
}

extension EscapeTests {
    private static func withNode(_ body: (IsolatedMachine, NodeNamespace) async throws -> Void) async throws {
        var template = Array("/tmp/aftershock-test-XXXXXX".utf8CString)
        let machine = try await IsolatedMachine.start(directory: String(cString: try #require(mkdtemp(&template))))
        do {
            try await body(machine, machine.startNode("worker"))
        } catch {
            await machine.stop()
            throw error
        }
        await machine.stop()
    }

    private static func specify(_ command: [String], in machine: IsolatedMachine) throws -> ContainerSpecification {
        ContainerSpecification(command: command, rootFolder: try machine.makeFolder("pods/\(UUID().uuidString)"))
    }
}
