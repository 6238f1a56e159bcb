import Journal
import Verdict

/// The cluster's events as labels on the time axis, in as many rows as keep them apart on a wide screen. The page's script places them
/// again for the actual width and zoom.
struct TimelineLabels {
    struct Label {
        var at: Double
        var text: String
        var style: String
        var row = 0
    }

    private(set) var all: [Label] = []
    private(set) var rows = 1

    /// The most labels: many events must not hide the lanes, and the table below has them all.
    private static let most = 60
    private static let assumedWidth = 900.0

    init(_ found: RepeatFindings, _ axis: TimeAxis) {
        var labels: [Label] = []
        if let fault = found.faultBegan { labels.append(Label(at: axis.at(fault), text: "fault", style: "stage")) }
        for (name, stage) in [("served again", StageEntered.Stage.recovered), ("stable", .stable), ("given up", .gaveUp)] {
            if let time = found.stage(stage) { labels.append(Label(at: axis.at(time), text: name, style: "stage")) }
        }
        let origin = found.faultBegan ?? found.started
        for seen in found.observations where seen.at >= origin && labels.count < Self.most {
            guard let text = seen.observation.label else { continue }
            let isRepeated = seen.observation.kind == .event && labels.contains { $0.text == text }
            guard !isRepeated else { continue }
            labels.append(Label(at: axis.at(seen.at), text: text, style: seen.observation.isWarning ? "warn" : ""))
        }
        all = labels.sorted { $0.at < $1.at }
        place(axis)
    }

    private mutating func place(_ axis: TimeAxis) {
        var ends: [Double] = []
        for index in all.indices {
            let width = Double(all[index].text.count) * 7 + 12
            let left = min(axis.share(all[index].at) / 100 * Self.assumedWidth, Self.assumedWidth - width)
            let row = ends.firstIndex { $0 <= left } ?? ends.count
            if row == ends.count { ends.append(0) }
            ends[row] = left + width
            all[index].row = row
        }
        rows = max(1, ends.count)
        for index in all.indices { all[index].at = (all[index].at * 1000).rounded() / 1000 }
        html = all.map { label in
            let left = "min(\(SVG.number(axis.share(label.at)))%, calc(100% - \(label.text.count * 7 + 8)px))"
            return "<b class=\"\(label.style)\" data-at=\"\(SVG.number(label.at))\" style=\"left:\(left);top:\(label.row * 16)px\">"
                + "<span>\(label.text.escapedForHTML)</span></b>"
        }.joined()
    }

    private(set) var html = ""
}

extension ClusterObservation {
    /// The label in two or three words; `nil` for an event without one.
    var label: String? {
        switch kind {
        case .podCreated: "pod created"
        case .podScheduled: "scheduled"
        case .podReady: "pod ready"
        case .podNotReady: "pod not ready"
        case .podTerminating: "pod terminating"
        case .podGone: "old pod gone"
        case .containerStarted: "container started"
        case .containerTerminated: "container ended"
        case .volumeAttached: "volume attached"
        case .volumeDetached: "volume detached"
        case .crashLoopBackOff: "CrashLoopBackOff"
        case .endpointReady: "endpoint ready"
        case .endpointGone: "endpoint gone"
        case .severalBackends: "several servers"
        case .remedy: "remedy"
        case .nodeReady: "node ready"
        case .nodeNotReady: "node not ready"
        case .nodeUnschedulable: "node cordoned"
        case .nodeSchedulable: "node uncordoned"
        case .event: isWarning ? detail.map { String($0.prefix { $0 != ":" }) } : nil
        }
    }

    /// The label of a Kubernetes Event about an obstacle to the recovery.
    var isWarning: Bool {
        switch kind {
        case .crashLoopBackOff, .severalBackends: return true
        case .event:
            let reason = detail.map { String($0.prefix { $0 != ":" }) } ?? ""
            return reason.hasPrefix("Failed") || ["BackOff", "Evicted", "Preempted", "NodeNotReady", "OOMKilling"].contains(reason)
        default: return false
        }
    }
}
