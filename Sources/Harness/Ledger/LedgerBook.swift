public import Journal

/// The status of every write, a byte each. The database is compared with this record, which lives outside of it.
public struct LedgerBook: Sendable {
    /// The status of one write. `unrecorded` is the write after a crashed harness's last record, which may have been in flight.
    enum Status: UInt8 {
        case unrecorded = 0
        case acknowledged = 1
        case refused = 2
        case unknown = 3
    }

    /// One writer's writes; the write with sequence n has index n - 1.
    struct Writer: Sendable {
        private static let updateBit: UInt8 = 4

        private var entries: [UInt8] = []
        /// The last acknowledged value of the register. Registers start at 0.
        fileprivate(set) var acknowledgedValue: Int64 = 0

        var count: Int64 { Int64(entries.count) }

        /// Returns the status of the insert with `sequence`; `nil` if there was none.
        func insert(_ sequence: Int64) -> Status? {
            guard let entry = entry(sequence), entry & Self.updateBit == 0 else { return nil }
            return Status(rawValue: entry)
        }

        /// Returns the status of the update with `sequence`; `nil` if there was none.
        func update(_ sequence: Int64) -> Status? {
            guard let entry = entry(sequence) else { return nil }
            // A write that a killed harness did not record may have been either kind.
            if entry == Status.unrecorded.rawValue { return .unrecorded }
            return entry & Self.updateBit == 0 ? nil : Status(rawValue: entry & ~Self.updateBit)
        }

        fileprivate mutating func set(_ sequence: Int64, _ kind: WriteResult.Kind, _ status: Status) {
            while count < sequence { entries.append(Status.unrecorded.rawValue) }
            entries[Int(sequence - 1)] = status.rawValue | (kind == .update ? Self.updateBit : 0)
            if kind == .update, status == .acknowledged { acknowledgedValue = max(acknowledgedValue, sequence) }
        }

        fileprivate mutating func appendUnrecorded() {
            entries.append(Status.unrecorded.rawValue)
        }

        private func entry(_ sequence: Int64) -> UInt8? {
            sequence >= 1 && sequence <= count ? entries[Int(sequence - 1)] : nil
        }
    }

    /// The writer number of the baseline rows.
    static let baseline = -1

    public let seedRows: Int64
    /// The writers, followed by the lanes of the transfers.
    private(set) var writers: [Writer]
    /// The lanes of the transfers, which have no register.
    let transferLanes: Range<Int>

    public init(writers: Int, transfers: Int = 0, seedRows: Int64) {
        self.seedRows = seedRows
        self.writers = Array(repeating: Writer(), count: writers + transfers)
        transferLanes = writers..<writers + transfers
    }

    func isTransfer(_ lane: Int) -> Bool { transferLanes.contains(lane) }

    /// Creates the record from a journal.
    ///
    /// - Parameter writes: the results in the journal's order. The write after each writer's last may have been sent before the harness
    ///   died, so its row is neither expected nor unexpected.
    public init(_ prepared: LedgerPrepared, writes: some Sequence<WriteResult>) {
        self.init(writers: prepared.writers, transfers: prepared.transfers ?? 0, seedRows: prepared.seedRows)
        for write in writes where writers.indices.contains(write.writer) { finished(write) }
        for index in writers.indices { writers[index].appendUnrecorded() }
    }

    /// Returns the sequence of `writer`'s next write, from 1. None is used twice.
    public func nextSequence(of writer: Int) -> Int64 { writers[writer].count + 1 }

    /// Returns the last acknowledged value of `writer`'s register, 0 before the first.
    public func acknowledgedValue(of writer: Int) -> Int64 { writers[writer].acknowledgedValue }

    /// Records that a write is about to be sent. Its outcome is unknown until ``finished(_:)``.
    public mutating func began(_ kind: WriteResult.Kind, writer: Int, sequence: Int64) {
        writers[writer].set(sequence, kind, .unknown)
    }

    /// Records the outcome of a write.
    public mutating func finished(_ write: WriteResult) {
        let status: Status =
            switch write.outcome {
            case .acknowledged: .acknowledged
            case .refused: .refused
            case .unknown: .unknown
            }
        writers[write.writer].set(write.sequence, write.kind, status)
    }

    /// Is `true` if the outcome of some write must be read from the database.
    public var hasUnknown: Bool {
        writers.contains { writer in
            writer.count > 0
                && (1...writer.count).contains { sequence in
                    switch writer.insert(sequence) ?? writer.update(sequence) {
                    case .unknown, .unrecorded: true
                    case .acknowledged, .refused, nil: false
                    }
                }
        }
    }
}
