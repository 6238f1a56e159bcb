import Journal

/// Finds the outages in the results of one track, which must come in the order of their starts.
///
/// A success proves that the track was served at some moment between its start and its end. So an outage lies between two such
/// moments: in one of the *gaps* from the start of a success to the earliest end of those started after it. A failure proves that the
/// track was not served at some moment of its *window*, so that an outage touches that window. The finder explains all failures by
/// the fewest outages that touch them all, each in one gap. It keeps only the state that later results can still change.
struct OutageFinder {
    /// The time from the start of a success to the earliest end of those started after it. Both ends only grow from gap to gap.
    fileprivate struct Gap {
        var index: Int
        /// `nil` if there was no success before.
        var from: Int64?
        /// `nil` if there was no success since.
        var to: Int64?
        var held = false
    }

    fileprivate struct Evidence {
        var started: Int64
        var done: Int64
        /// The earliest moment at which an outage can have made this probe fail.
        var windowStart: Int64
        /// The latest moment at which an outage can have made this probe fail.
        var windowEnd: Int64
        var cause: String
    }

    /// An outage that later failures may still belong to.
    fileprivate struct Candidate {
        /// The gaps that it may lie in.
        var first: Int
        var last: Int
        var firstFailure: Evidence
        var lastFailure: Evidence
        /// The end of the first failure.
        var noticed: Int64
        var failures = 0
        var causes: [String: Int] = [:]
        /// The earliest end and the latest start of the windows that no other gap can explain.
        var surelyOutBy: Int64?
        var surelyOutAt: Int64?
    }

    private var gaps = [Gap(index: 0)]
    private var nextGap = 1
    private var waiting: [Evidence] = []
    private var candidate: Candidate?
    private(set) var outages: [Outage] = []

    /// Gaps that end after this moment count for ``widestQuietGap``.
    var quietGapsCountFrom: RunTime?
    /// The longest gap without a failure: an outage of this length could have been overlooked.
    private(set) var widestQuietGap = Duration.zero

    /// The earliest start of a later result's window, unless that result itself started earlier.
    var windowsBeginAt: RunTime?

    mutating func succeeded(started: RunTime, done: RunTime) {
        advance(to: started.nanoseconds)
        for index in gaps.indices where gaps[index].to.map({ $0 > done.nanoseconds }) ?? true { gaps[index].to = done.nanoseconds }
        gaps.append(Gap(index: nextGap, from: started.nanoseconds))
        nextGap += 1
    }

    /// - Parameters:
    ///   - heldSince: the start of the idle time of the probe's held connection, if it has one: it may have broken at any time since.
    ///   - unservedFrom: the earliest moment of an outage that explains the failure, if it is known to be after `started`.
    ///   - unservedBy: the latest such moment, if it is known to be before `done`.
    mutating func failed(
        started: RunTime, done: RunTime, heldSince: RunTime? = nil, unservedFrom: RunTime? = nil, unservedBy: RunTime? = nil,
        cause: String
    ) {
        advance(to: started.nanoseconds)
        waiting.append(
            Evidence(
                started: started.nanoseconds, done: done.nanoseconds,
                windowStart: heldSince.map { min(started.nanoseconds, $0.nanoseconds + 1) } ?? (unservedFrom ?? started).nanoseconds,
                windowEnd: min(done, unservedBy ?? done).nanoseconds, cause: cause))
    }

    /// Ends the results, and returns the remaining outages.
    mutating func finish() {
        advance(to: .max)
        if let last = candidate { close(last) }
        candidate = nil
        forgetGaps(endingBefore: .max)
    }

    /// Tells the finder that all results that started before `position` have come.
    private mutating func advance(to position: Int64) {
        // Later results can neither create a gap that begins in this window nor end one before it.
        while let evidence = waiting.first, evidence.windowEnd < position {
            waiting.removeFirst()
            explain(evidence)
        }
        let undecided = waiting.reduce(min(position, windowsBeginAt?.nanoseconds ?? position)) { min($0, $1.windowStart) }
        if let last = candidate, let end = gap(last.last)?.to, end < undecided {
            close(last)
            candidate = nil
        }
        forgetGaps(endingBefore: undecided)
    }

    private mutating func explain(_ evidence: Evidence) {
        let touched = gaps.filter { ($0.from ?? .min) <= evidence.windowEnd && ($0.to ?? .max) >= evidence.windowStart }
        // The gaps cover all of time, so there is at least one.
        guard let first = touched.first?.index, let last = touched.last?.index else { return }
        if var known = candidate {
            if first <= known.last && known.first <= last {
                known.first = max(known.first, first)
                known.last = min(known.last, last)
                known.include(evidence, certain: first == last)
                candidate = known
                return
            }
            close(known)
        }
        var new = Candidate(first: first, last: last, firstFailure: evidence, lastFailure: evidence, noticed: evidence.done)
        new.include(evidence, certain: first == last)
        candidate = new
    }

    private mutating func close(_ candidate: Candidate) {
        let range = gaps.indices.filter { (candidate.first...candidate.last).contains(gaps[$0].index) }
        for index in range { gaps[index].held = true }
        guard let first = range.first, let last = range.last else { return }
        // The outage is in one of several gaps, so that its bounds contain them all.
        let gap = Gap(index: candidate.first, from: gaps[first].from, to: gaps[last].to)
        var certain: ClosedRange<RunTime>?
        if let by = candidate.surelyOutBy, let at = candidate.surelyOutAt, by < at {
            certain = RunTime(nanoseconds: by)...RunTime(nanoseconds: at)
        }
        outages.append(
            Outage(
                lastSuccessStarted: gap.from.map(RunTime.init(nanoseconds:)),
                firstFailureStarted: RunTime(nanoseconds: candidate.firstFailure.started),
                firstFailureDone: RunTime(nanoseconds: candidate.noticed),
                lastFailureStarted: RunTime(nanoseconds: candidate.lastFailure.started),
                firstSuccessDone: gap.to.map(RunTime.init(nanoseconds:)),
                certain: certain,
                upper: gap.length == .max ? nil : .nanoseconds(gap.length),
                failures: candidate.failures,
                causes: candidate.causes))
    }

    private mutating func forgetGaps(endingBefore position: Int64) {
        let needed = candidate?.first ?? .max
        let kept = gaps.firstIndex { $0.index >= needed || ($0.to ?? .max) >= position } ?? gaps.endIndex
        for gap in gaps[..<kept] where !gap.held {
            guard let from = quietGapsCountFrom?.nanoseconds, let end = gap.to, end > from, gap.length < .max else { continue }
            widestQuietGap = max(widestQuietGap, .nanoseconds(gap.length))
        }
        gaps.removeFirst(kept)
    }

    private func gap(_ index: Int) -> Gap? {
        gaps.first { $0.index == index }
    }
}

extension OutageFinder.Gap {
    fileprivate var length: Int64 {
        guard let from, let to else { return .max }
        return to - from
    }
}

extension OutageFinder.Candidate {
    fileprivate mutating func include(_ evidence: OutageFinder.Evidence, certain: Bool) {
        failures += 1
        causes[evidence.cause, default: 0] += 1
        noticed = min(noticed, evidence.done)
        if evidence.started < firstFailure.started { firstFailure = evidence }
        if evidence.started > lastFailure.started { lastFailure = evidence }
        guard certain else { return }
        surelyOutBy = min(surelyOutBy ?? .max, evidence.windowEnd)
        surelyOutAt = max(surelyOutAt ?? .min, evidence.windowStart)
    }
}
