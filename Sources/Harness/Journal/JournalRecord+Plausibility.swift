extension JournalRecord {
    /// The name of a number in the record that no run would write; `nil` if there is none.
    ///
    /// Anybody may have written a journal file. Within these limits, sums do not overflow and loops end.
    var implausibleNumber: String? {
        var check = PlausibilityCheck()
        check.time("at", at)
        switch event {
        case .probe(let probe):
            check.count("slot", probe.slot)
            check.times(probe.intended, probe.started, probe.done)
            for took in probe.phases?.values.map(\.self) ?? [] { check.span("phases", took) }
            check.span("unanswered", probe.failure?.unanswered ?? 0)
        case .probeSkipped(let skip):
            check.count("slot", skip.slot)
            check.count("lane", skip.lane ?? 0)
            check.time("intended", skip.intended)
        case .write(let write):
            check.count("writer", write.writer)
            check.count("sequence", write.sequence)
            check.times(write.intended, write.started, write.done)
            check.span("unanswered", write.failure?.unanswered ?? 0)
        case .probesStarted(let started):
            for schedule in started.schedules {
                check.span("interval", schedule.interval, from: 1)
                check.span("timeout", schedule.timeout)
                check.count("inFlightCap", schedule.inFlightCap)
                check.count("lanes", schedule.lanes)
            }
        case .idleStarted(let started):
            check.span("silentFor", started.silentFor)
            check.count("connections", started.connections)
        case .idleAsked(let asked):
            check.count("connection", asked.connection)
            check.times(asked.silentSince, asked.started, asked.done)
        case .databaseAsked(let asked): check.times(asked.started, asked.done)
        case .repeatStarted(let started):
            check.count("number", started.number)
            check.count("of", started.of)
        case .runStarted(let run): check.count("repeatOverride", run.repeatOverride ?? 1)
        case .ledgerPrepared(let ledger):
            check.count("writers", ledger.writers)
            check.count("transfers", ledger.transfers ?? 0)
            check.count("seedRows", ledger.seedRows)
        case .ledgerChecked(let ledger):
            for number in [
                ledger.attempted, ledger.acknowledged, ledger.refused, ledger.unknown, ledger.kept, ledger.lost, ledger.corrupt,
                ledger.duplicate, ledger.unexpected, ledger.stale, ledger.unknownPresent, ledger.unknownAbsent, ledger.unknownOverwritten,
                ledger.seeded, ledger.seededLost, ledger.read,
            ] { check.count("ledger", number) }
            if let transfers = ledger.transfers {
                for number in [
                    transfers.attempted, transfers.acknowledged, transfers.refused, transfers.unknown, transfers.unknownPresent,
                    transfers.unknownAbsent, transfers.torn,
                ] { check.count("transfers", number) }
            }
            check.span("took", ledger.took)
        case .blind(let blind): check.times(blind.from, blind.to)
        case .recoveryDebt(let debt):
            check.span("openFor", debt.openFor ?? 0)
            for bytes in [debt.sentBytes, debt.logBytes ?? 0, debt.transactionBytes ?? 0] { check.bytes("bytes", bytes) }
            check.count("openRows", debt.openRows ?? 0)
        case .experimentStarted, .preflightCheck, .stageEntered, .snapshot, .observation, .serverLog, .engine, .undoIntent, .faultBegun,
            .faultInjected, .faultEffect, .undoResult, .ledgerUnchecked, .clientFailed, .vantage, .repeatEnded, .interrupted, .runEnded:
            break
        }
        return check.found
    }
}

private struct PlausibilityCheck {
    var found: String?

    /// Ten years of nanoseconds.
    private static let longest: Int64 = 10 * 366 * 86_400 * 1_000_000_000
    /// The number of probes, one every millisecond, in more than ten days.
    private static let most: Int64 = 1_000_000_000

    mutating func span(_ name: String, _ nanoseconds: Int64, from least: Int64 = 0) {
        if nanoseconds < least || nanoseconds > Self.longest { found = found ?? name }
    }

    mutating func time(_ name: String, _ time: RunTime) { span(name, time.nanoseconds) }

    mutating func times(_ times: RunTime...) { for one in times { time("time", one) } }

    /// A petabyte.
    mutating func bytes(_ name: String, _ number: Int64) {
        if number < 0 || number > 1 << 50 { found = found ?? name }
    }

    mutating func count(_ name: String, _ number: some BinaryInteger) {
        if number < 0 || number > Self.most { found = found ?? name }
    }
}
