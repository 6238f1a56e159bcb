import Foundation
public import Verdict

extension EarlierShutdown {
    /// Returns the shutdowns of the runs at `paths` in the cluster of `context`. Skips files that cannot be read.
    public static func seen(in paths: [String], context: String) -> [EarlierShutdown] {
        let files = paths.flatMap { (try? ReportFiles.results($0)) ?? [] }
        return files.flatMap { file -> [EarlierShutdown] in
            guard let data = try? ReportFiles.read(file), let results = try? Results(reading: data, path: file),
                let run = results.run, run.context == context
            else { return [] }
            return results.experiments.flatMap { experiment in
                experiment.repeats.compactMap { one -> EarlierShutdown? in
                    guard let target = experiment.target, let shutdown = one.shutdown, let took = shutdown.tookMs,
                        let clean = shutdown.clean
                    else { return nil }
                    return EarlierShutdown(
                        runID: run.id, namespace: target.namespace, workload: target.workload,
                        gracePeriod: Duration(milliseconds: shutdown.gracePeriodMs), took: Duration(milliseconds: took), isClean: clean)
                }
            }
        }
    }
}
