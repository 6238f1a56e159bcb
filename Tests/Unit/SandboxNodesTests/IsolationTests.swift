import Foundation
import NIOCore
import Synchronization
import Testing

@testable import SandboxNodes
@testable import SandboxStore

/// Real namespaces and real processes. Each test has its own machine.
@Suite struct IsolationTests {
    @Test func aContainerRunsAsProcessOneWithNothingOfTheHost() async throws {
        try await withNode { machine, node in
            let output = Output()
            let container = try await start(
                ["sh", "-c", "echo pid $$; ls /; cat /proc/1/comm; hostname; ls ~/. 2>&1; id -u"], in: machine, node, output)
            #expect(await container.exit.containerCode == 0)
            let lines = output.lines
            #expect(lines.first == "pid 1")
            #expect(lines.contains("box"))
            #expect(!lines.contains("boot"))
        }
    }

    @Test func environmentArgumentsAndExitCodeArrive() async throws {
        try await withNode { machine, node in
            let output = Output()
            var specification = try specify(["sh", "-c", "echo \"$GREETING\" \"$1\"; exit 7", "sh", "a b'\"$x"], in: machine)
            specification.environment = ["GREETING": "hello wörld", "LD_PRELOAD": "/nowhere.so"]
            let container = try await node.startContainer(specification) { output.append($0) }
            #expect(await container.exit.containerCode == 7)
            #expect(output.lines == ["hello wörld a b'\"$x"])
        }
    }

    @Test func aCommandThatDoesNotExistIsAnError() async throws {
        try await withNode { machine, node in
            let error = await #expect(throws: IsolationError.self) {
                try await start(["/no/such/program"], in: machine, node, Output())
            }
            #expect(error?.description.contains("executable file not found") == true)
        }
    }

    @Test func processOneIgnoresKillFromInside() async throws {
        try await withNode { machine, node in
            let output = Output()
            let container = try await start(["sh", "-c", "kill -9 1; echo alive; exec sleep 1000"], in: machine, node, output)
            await output.wait(for: "alive")
            let exec = container.exec(["sh", "-c", "kill -9 1; kill -9 -1; echo unreachable"])
            // `kill -9 -1` spares the init and the caller.
            #expect(await exec.exit() == .exited(code: 0))
            #expect(FileManager.default.fileExists(atPath: "/proc/\(container.initPID)"))
            container.kill()
            #expect(await container.exit.containerCode == 137)
        }
    }

    @Test func killingEverythingEndsOnlyTheContainer() async throws {
        try await withNode { machine, node in
            let bystander = try await start(["sleep", "1000"], in: machine, node, Output())
            let container = try await start(["sh", "-c", "sleep 1000 & kill -9 -1; exit 3"], in: machine, node, Output())
            let code = await container.exit.containerCode
            #expect(code == 3)
            #expect(FileManager.default.fileExists(atPath: "/proc/\(bystander.initPID)"))
            bystander.kill()
        }
    }

    @Test func aPowerCutEndsEverythingOnTheNodeAndNothingElse() async throws {
        try await withNode { machine, node in
            let other = try await machine.startNode("other")
            let here = try await start(["sh", "-c", "sleep 1000 & sleep 1000"], in: machine, node, Output())
            let there = try await start(["sleep", "1000"], in: machine, other, Output())
            await node.powerOff()
            #expect(await here.exit.signal == SIGKILL)
            #expect(FileManager.default.fileExists(atPath: "/proc/\(there.initPID)"))
            await #expect(throws: IsolationError.self) { try await start(["true"], in: machine, node, Output()) }
        }
    }

    @Test func nothingOutsideCanBeWrittenOrSignalled() async throws {
        try await withNode { machine, node in
            let output = Output()
            let attempts = """
                for target in /usr/x /bin/x /dev/x2 /proc/sys/kernel/hostname; do (echo x > $target) 2>/dev/null && echo "wrote $target"; done
                (echo b > /proc/sysrq-trigger) 2>/dev/null
                mount -t tmpfs x /mnt 2>/dev/null && echo mounted
                mount -o remount,rw /usr 2>/dev/null && echo remounted
                umount /usr 2>/dev/null && echo unmounted
                unshare --user true 2>/dev/null && echo nested
                kill -0 \(getpid()) 2>/dev/null && echo signalled
                mknod /tmp/disk b 254 0 2>/dev/null && echo disk
                chroot / true 2>/dev/null && echo chrooted
                hostname evil 2>/dev/null && echo renamed
                nice -n -5 true 2>&1 | grep -q . || echo prioritised
                ls /proc | grep -c '^[0-9]'
                echo end
                """
            let container = try await start(["sh", "-c", attempts], in: machine, node, output)
            #expect(await container.exit.containerCode == 0)
            // /dev is the container's own: only its own tmpfs was written.
            let lines = output.lines.filter { $0 != "wrote /dev/x2" }
            #expect(lines.last == "end")
            #expect(lines.count == 2, "\(lines)")
            #expect(!FileManager.default.fileExists(atPath: "/usr/x"))
        }
    }

    @Test func aForkBombStaysWithinItsLimit() async throws {
        try await withNode { machine, node in
            let output = Output()
            var specification = try specify(
                ["sh", "-c", "n=0; while sleep 1000 & do n=$((n+1)); [ $n -lt 200 ] || break; done; echo started $n"], in: machine)
            specification.processLimit = 40
            let container = try await node.startContainer(specification) { output.append($0) }
            #expect(await container.exit.containerCode != 0)
            #expect(output.lines.contains { $0.localizedCaseInsensitiveContains("fork") }, "\(output.lines)")
            let neighbour = try await start(["true"], in: machine, node, Output())
            #expect(await neighbour.exit.containerCode == 0)
        }
    }

    @Test func execHasItsOwnStreamsAndExitCode() async throws {
        try await withNode { machine, node in
            let container = try await start(["sleep", "1000"], in: machine, node, Output())
            let exec = container.exec(["sh", "-c", "cat; echo oops >&2; exit 5"], wantsInput: true)
            try await exec.write(ByteBuffer(string: "through "))
            try await exec.write(ByteBuffer(string: "stdin"))
            await exec.closeInput()
            var out = ""
            var errors = ""
            for try await piece in exec.output {
                switch piece {
                case .stdout(let bytes): out += String(buffer: bytes)
                case .stderr(let bytes): errors += String(buffer: bytes)
                }
            }
            #expect(out == "through stdin")
            #expect(errors == "oops\n")
            #expect(await exec.exit() == .exited(code: 5))
            container.kill()
        }
    }

    @Test func execWithATerminalHasOne() async throws {
        try await withNode { machine, node in
            let container = try await start(["sleep", "1000"], in: machine, node, Output())
            let exec = container.exec(["sh", "-c", "test -t 0 && test -t 1 && echo terminal"], wantsInput: true, hasTerminal: true)
            var out = ""
            for try await case .stdout(let bytes) in exec.output { out += String(buffer: bytes) }
            #expect(out == "terminal\r\n")
            #expect(await exec.exit() == .exited(code: 0))
            container.kill()
        }
    }

    /// A shell that finds its own process group on the terminal can put others to the foreground, and Ctrl-C reaches only those.
    @Test func execWithATerminalHasJobControl() async throws {
        try await withNode { machine, node in
            let container = try await start(["sleep", "1000"], in: machine, node, Output())
            let exec = container.exec(["bash", "--norc", "-i"], wantsInput: true, hasTerminal: true)
            await exec.resize(columns: 101, rows: 41)
            try await exec.write(ByteBuffer(string: "stty size; set -o | grep monitor; echo $TERM; sh -c 'echo ready; exec sleep 1000'\n"))
            var out = ""
            var isInterrupted = false
            for try await case .stdout(let bytes) in exec.output {
                out += String(buffer: bytes)
                // Said by a program in the foreground: before that, the shell itself would be interrupted.
                if !isInterrupted, out.contains("\nready") {
                    isInterrupted = true
                    try await exec.write(ByteBuffer(string: "\u{3}"))
                    try await exec.write(ByteBuffer(string: "echo code $?; exit 4\n"))
                }
            }
            #expect(out.contains("41 101") && out.contains("\nxterm"), "\(out)")
            #expect(out.contains("monitor        \ton"), "\(out)")
            #expect(out.contains("code 130"), "\(out)")
            #expect(!out.contains("no job control"), "\(out)")
            #expect(await exec.exit() == .exited(code: 4))
            container.kill()
        }
    }

    @Test func aCancelledExecLeavesNoProcess() async throws {
        try await withNode { machine, node in
            let container = try await start(["sleep", "1000"], in: machine, node, Output())
            let exec = container.exec(["sh", "-c", "echo $$; exec sleep 1000"])
            for try await _ in exec.output { break }
            await exec.cancel()
            // A process that was killed is there until the kernel has taken it apart, which tells nobody.
            let count = container.exec([
                "sh", "-c", "n=0; while set -- /proc/[0-9]*; [ $# -gt 2 ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done; echo $#",
            ])
            var text = ""
            for try await case .stdout(let bytes) in count.output { text += String(buffer: bytes) }
            // The container's init and this sh.
            #expect(text == "2\n")
            container.kill()
        }
    }

    /// The one who starts a program must not wait for a thread of the harness, of which the new process has only a memory.
    @Test func programsStartWhileThreadsComeAndGo() async throws {
        try await withNode { machine, node in
            let container = try await start(["sleep", "1000"], in: machine, node, Output())
            let isOver = Mutex(false)
            let churn = Thread {
                while !isOver.withLock(\.self) { Thread {}.start() }
            }
            churn.start()
            defer { isOver.withLock { $0 = true } }
            for _ in 1...50 {
                #expect(await container.exec(["true"]).exit() == .exited(code: 0))
            }
            container.kill()
        }
    }

    @Test func aHelperOnTheNodeFindsAndKillsAContainerByItsIdentifier() async throws {
        try await withNode { machine, node in
            let identifier = String(repeating: "ab", count: 32)
            var victim = try specify(["sh", "-c", "sleep 1000"], in: machine)
            victim.identifier = identifier
            let container = try await node.startContainer(victim) { _ in }
            var helper = try specify(
                [
                    "sh", "-c",
                    """
                    for process in /proc/[0-9]*; do
                        tr '\\0' '\\n' < $process/environ 2>/dev/null | grep -qx AFTERSHOCK_CONTAINER_ID=\(identifier) || continue
                        grep -q '^NSpid:.*[^0-9]1$' $process/status || continue
                        kill -9 ${process#/proc/} && echo killed
                    done
                    """,
                ], in: machine)
            helper.processes = .host
            helper.isPrivileged = true
            let output = Output()
            let helping = try await node.startContainer(helper) { output.append($0) }
            #expect(await helping.exit.containerCode == 0)
            #expect(output.lines.contains("killed"))
            let code = await container.exit.containerCode
            #expect(code == 137)
        }
    }

    @Test func aMountedFolderIsSharedAndAReadOnlyOneIsNot() async throws {
        try await withNode { machine, node in
            let folder = try machine.makeFolder("volumes/data")
            var specification = try specify(
                ["sh", "-c", "echo kept > /var/opt/mssql/file; (echo x > /etc/config/file) 2>/dev/null || echo refused"], in: machine)
            specification.mounts = [
                .init(hostPath: folder, path: "/var/opt/mssql", isReadOnly: false),
                .init(hostPath: folder, path: "/etc/config", isReadOnly: true),
            ]
            let output = Output()
            let container = try await node.startContainer(specification) { output.append($0) }
            #expect(await container.exit.containerCode == 0)
            #expect(output.lines == ["refused"])
            #expect(try String(contentsOfFile: folder + "/file", encoding: .utf8) == "kept\n")
        }
    }

    @Test func stoppingTheMachineLeavesNothing() async throws {
        let directory = try makeDirectory()
        let machine = try await IsolatedMachine.start(directory: directory)
        let node = try await machine.startNode("one")
        let container = try await start(["sleep", "1000"], in: machine, node, Output())
        let pids = [node.initPID, container.initPID]
        await machine.stop()
        #expect(await container.exit.signal == SIGKILL)
        for pid in pids { #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)")) }
        #expect(!FileManager.default.fileExists(atPath: directory))
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!mounts.contains(directory))
    }
}

extension IsolationTests {
    private func makeDirectory() throws -> String {
        var template = Array("/tmp/aftershock-test-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template))
        return String(cString: path)
    }

    private func withNode(_ body: (IsolatedMachine, NodeNamespace) async throws -> Void) async throws {
        let machine = try await IsolatedMachine.start(directory: makeDirectory())
        do {
            try await body(machine, machine.startNode("worker"))
        } catch {
            await machine.stop()
            throw error
        }
        await machine.stop()
    }

    private func specify(_ command: [String], in machine: IsolatedMachine) throws -> ContainerSpecification {
        var specification = ContainerSpecification(
            command: command, rootFolder: try machine.makeFolder("pods/\(UUID().uuidString)"))
        specification.hostName = "box"
        return specification
    }

    @discardableResult
    private func start(
        _ command: [String], in machine: IsolatedMachine, _ node: NodeNamespace, _ output: Output
    ) async throws -> ContainerNamespace {
        try await node.startContainer(specify(command, in: machine)) { output.append($0) }
    }
}

/// Collects what a container writes.
final class Output: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    func append(_ more: [UInt8]) {
        bytes.withLock { $0 += more }
        change.yield()
    }

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    func wait(for line: String) async {
        for await _ in changes where lines.contains(line) { return }
    }
}
