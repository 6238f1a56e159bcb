import Kubernetes
import Testing

@testable import Fault

@Suite struct ProcessKillFaultTests {
    private func fault(_ signal: ProcessKillFault.Signal) throws -> ProcessKillFault {
        try #require(try injection("processKill: {signal: \(signal.rawValue)}") as? ProcessKillFault)
    }

    private func process(_ pid: Int, parent: Int) -> ContainerProcess {
        ContainerProcess(pid: pid, parent: parent, startTime: "\(pid)00", state: "S")
    }

    @Test func theChildOfAParentOfTheSameNameIsMeant() throws {
        let victim = try fault(.kill).victim(of: [process(1, parent: 0), process(9, parent: 1)])
        #expect(victim.pid == 9)
    }

    @Test func underAShellTheServersChildIsMeant() throws {
        // SQL Server 2022 CU18 and later: PID 1 is a shell, its child the watchdog, that one's child the server.
        let victim = try fault(.kill).victim(of: [process(8, parent: 1), process(20, parent: 8)])
        #expect(victim.pid == 20)
    }

    @Test func aSingleProcessIsMeantItself() throws {
        #expect(try fault(.stop).victim(of: [process(7, parent: 1)]).pid == 7)
    }

    /// The end of a forked child need not be noticed by anybody: who reads the plan or the evidence has to know.
    @Test func whichOfSeveralProcessesIsHitIsSaid() throws {
        let target = FaultTarget(
            namespace: "sql", workload: "deployment/sql", pod: "sql-0", podUID: "u", node: "n", container: "db",
            containerID: "containerd://1", restartCount: 0,
            lease: "l")
        let fault = try fault(.kill)
        let child = [process(1, parent: 0), process(9, parent: 1)]
        #expect(
            fault.describe(child[1], among: child, target)
                == "sqlservr, pid 9 in container db (a child of pid 1 of the same name; 2 processes have that name)")
        #expect(fault.describe(child[0], among: [child[0]], target) == "sqlservr, pid 1 in container db")
    }

    @Test(arguments: [ProcessKillFault.Signal.kill, .stop])
    func pidOneIsNoTargetForWhatItIgnores(signal: ProcessKillFault.Signal) throws {
        let error = #expect(throws: FaultError.self) { try fault(signal).victim(of: [process(1, parent: 0)]) }
        #expect(error?.hint?.contains("containerKill") == true)
        #expect(try fault(.terminate).victim(of: [process(1, parent: 0)]).pid == 1)
    }

    /// PID 1 of SQL Server's container ends with its child, and takes the shell with it that has just killed the child.
    @Test func aShellThatEndedWithItsContainerDoesNotSayThatTheSignalFailed() {
        #expect(ContainerProcesses.mayHaveEndedWithItsContainer(.exited(137)))
        #expect(ContainerProcesses.mayHaveEndedWithItsContainer(.unknown("the connection ended")))
        #expect(!ContainerProcesses.mayHaveEndedWithItsContainer(.exited(3)))
        #expect(!ContainerProcesses.mayHaveEndedWithItsContainer(.exited(0)))
        #expect(!ContainerProcesses.mayHaveEndedWithItsContainer(.failed("no such container")))
    }

    @Test func aNameThatMatchesNothingIsAnError() throws {
        let error = #expect(throws: FaultError.self) { try fault(.kill).victim(of: []) }
        #expect(error?.code == .targetNotRunning)
    }
}
