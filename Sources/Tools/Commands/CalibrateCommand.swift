import ArgumentParser
import Calibration
import Foundation
import JSON

struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Measure outages of known length, and count how often the bounds contain the true length.",
        discussion: """
            Starts a server and a forwarder on loopback, which refuse, reset, drop, hang, freeze, break TLS and reject logins at random
            moments for known times. The probes and the judgement are the same as in a run.
            If the machine was too busy during a trial, the trial is repeated, up to three times.
            Exit code: 0 if every bound contained the true length and no outage was missed or invented, 1 if not.
            """)

    @Option(help: "The number of outages to cause.")
    var trials = 90

    @Option(help: "The seed of the random lengths and moments.")
    var seed: UInt64 = 1

    @Option(help: "The number of trials that run at the same time. On a small machine, a high number measures the machine.")
    var parallel = 4

    @Option(
        help: ArgumentHelp(
            "The time between the starts of two probes of the tracks connect and session. (default: 20ms)", valueName: "duration"),
        transform: durationArgument)
    var interval: Duration = .milliseconds(20)

    @Option(
        help: ArgumentHelp("The same for the track login. (default: 100ms)", valueName: "duration"), transform: durationArgument)
    var loginInterval: Duration = .milliseconds(100)

    @OptionGroup var output: OutputOption

    func validate() throws {
        guard trials > 0 else { throw ValidationError("--trials must be at least 1.") }
        guard (1...250).contains(parallel) else { throw ValidationError("--parallel must be from 1 to 250.") }
        guard interval >= .milliseconds(1), loginInterval >= .milliseconds(1) else {
            throw ValidationError("--interval and --login-interval must be at least 1ms.")
        }
    }

    func run() async throws {
        let calibration = Calibration(
            .init(
                trials: trials, seed: seed, atOnce: parallel,
                cadence: .init(interval: interval, loginInterval: loginInterval)))
        let summary = try await calibration.run(processID: ProcessInfo.processInfo.processIdentifier) { number, result in
            for remark in result.remarks {
                standardError("trial \(number), \(result.plan.kind): \(remark)")
            }
        }
        switch output.format {
        case .text:
            standardOutput(summary.table)
        case .json:
            StandardStream.output.write(String(decoding: try JSONEncoder.stable(pretty: true).encode(summary), as: UTF8.self) + "\n")
        }
        guard summary.contained == summary.trials else { throw ExitCode(1) }
    }
}
