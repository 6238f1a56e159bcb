import ArgumentParser
import Calibration
import Foundation
import JSON

struct CalibrateCommand: AsyncParsableCommand {
    enum Output: String, ExpressibleByArgument {
        case text, json
    }

    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Measure outages of known length, and say how often the bounds contain the truth.",
        discussion: """
            A server and a forwarder of its own, on loopback, refuse, reset, swallow, hang, freeze, break TLS and reject logins for known
            times at random moments. The probes and the judgement are those of a run.
            A trial during which the machine was too busy for probes or server is done again, up to three times.
            Exits 0 when every bound contained the truth and nothing was missed or invented, else 1.
            """)

    @Option(help: "How many outages to cause.")
    var trials = 90

    @Option(help: "What lengths and moments are drawn from.")
    var seed: UInt64 = 1

    @Option(help: "How many trials run at a time. More on a small machine makes the machine what is measured.")
    var parallel = 4

    @Option(name: .shortAndLong, help: "text or json.")
    var output = Output.text

    func validate() throws {
        guard trials > 0 else { throw ValidationError("--trials must be at least 1.") }
        guard (1...250).contains(parallel) else { throw ValidationError("--parallel must be from 1 to 250.") }
    }

    func run() async throws {
        let calibration = Calibration(.init(trials: trials, seed: seed, atOnce: parallel))
        let summary = try await calibration.run(processID: ProcessInfo.processInfo.processIdentifier) { number, result in
            for remark in result.remarks {
                standardError("trial \(number), \(result.plan.kind): \(remark)")
            }
        }
        switch output {
        case .text:
            standardOutput(summary.table)
        case .json:
            StandardStream.output.write(String(decoding: try JSONEncoder.stable(pretty: true).encode(summary), as: UTF8.self) + "\n")
        }
        guard summary.contained == summary.trials else { throw ExitCode(1) }
    }
}
