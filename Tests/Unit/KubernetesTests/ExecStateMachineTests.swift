import Foundation
import Testing

@testable import Kubernetes

@Suite struct ExecStateMachineTests {
    private func message(_ channel: UInt8, _ text: String) -> [UInt8] { [channel] + Array(text.utf8) }

    /// The messages are those that a 1.20.2 API server sent.
    @Test func aCommandThatFails() {
        var machine = ExecStateMachine(limit: 1000)
        #expect(machine.received(message(1, "")) == .none)
        #expect(machine.received(message(1, "out\n")) == .none)
        #expect(machine.received(message(2, "err\n")) == .none)
        let status =
            #"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#
        #expect(machine.received(message(3, status)) == .finish)
        let result = machine.result(endedBy: "")
        #expect(result.outcome == .exited(3))
        #expect(result.text == "out\n" && result.errorText == "err\n")
        #expect(!result.isSuccess && !result.isTruncated)
    }

    @Test func aCommandThatSucceeds() {
        var machine = ExecStateMachine(limit: 1000)
        #expect(machine.received(message(3, #"{"metadata":{},"status":"Success"}"#)) == .finish)
        #expect(machine.result(endedBy: "").isSuccess)
    }

    @Test func aCommandThatCannotBeStarted() {
        var machine = ExecStateMachine(limit: 1000)
        let status = #"{"metadata":{},"status":"Failure","message":"no such file or directory","reason":"InternalError"}"#
        #expect(machine.received(message(3, status)) == .finish)
        #expect(machine.result(endedBy: "").outcome == .failed("no such file or directory"))
    }

    @Test func withoutAStatusTheOutcomeIsUnknown() {
        var machine = ExecStateMachine(limit: 1000)
        _ = machine.received(message(1, "half"))
        let result = machine.result(endedBy: "connection lost")
        #expect(result.outcome == .unknown("connection lost"))
        #expect(!result.isSuccess)
        #expect(result.text == "half")
    }

    @Test func aStatusInPiecesAndBrokenOnes() {
        var machine = ExecStateMachine(limit: 1000)
        #expect(machine.received(message(3, #"{"status":"#)) == .none)
        #expect(machine.received(message(3, #""Success"}"#)) == .finish)
        #expect(machine.result(endedBy: "").isSuccess)
        var broken = ExecStateMachine(limit: 1000)
        #expect(broken.received(message(3, "no json")) == .none)
        #expect(broken.received([]) == .none)
        #expect(broken.received(message(77, "what")) == .none)
        #expect(broken.result(endedBy: "closed").outcome == .unknown("closed"))
    }

    @Test func outputBeyondTheLimitIsDroppedAndSaid() {
        var machine = ExecStateMachine(limit: 5)
        _ = machine.received(message(1, "abc"))
        _ = machine.received(message(1, "defg"))
        _ = machine.received(message(2, "12345"))
        _ = machine.received(message(3, #"{"status":"Success"}"#))
        let result = machine.result(endedBy: "")
        #expect(result.text == "abcde" && result.errorText == "12345")
        #expect(result.isTruncated)
    }

    @Test func inputIsCutAndItsEndToldOnlyWhereTheProtocolCan() {
        let data = Data(repeating: 7, count: 40_000)
        let v4 = ExecStateMachine.input(data, version: "v4.channel.k8s.io")
        #expect(v4.map(\.count) == [16_385, 16_385, 7_233])
        #expect(v4.allSatisfy { $0[0] == 0 })
        #expect(ExecStateMachine.input(data, version: "v5.channel.k8s.io").last == [255, 0])
        #expect(ExecStateMachine.input(Data(), version: "v4.channel.k8s.io").isEmpty)
    }

    @Test func aStatusWithoutEndIsNotKept() {
        var machine = ExecStateMachine(limit: 1000)
        var messages = 0
        while machine.received(message(3, messages == 0 ? #"{"status":""# : String(repeating: "x", count: 1024))) == .none {
            messages += 1
            guard messages < 100 else { break }
        }
        #expect(messages < 66)
        guard case .unknown(let reason) = machine.result(endedBy: "").outcome else {
            Issue.record("the outcome is known")
            return
        }
        #expect(reason.contains("64 KiB"))
    }
}
