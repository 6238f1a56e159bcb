import DatabaseFlaws

extension Session {
    /// Makes the SQLite transaction durable, or, under ack-before-commit, leaves that for after the answer.
    func commitToDisk() throws(SQLiteFailure) {
        guard connection.isInTransaction else { return }
        if server.flaws.has(.acknowledgeBeforeCommit) {
            deferredLocks += transaction.locked
            transaction.locked = []
            return
        }
        try connection.run("COMMIT")
        committed()
    }

    private func committed() {
        for file in transaction.locked + deferredLocks { server.commitLog?.record(file) }
        if let every = server.flaws[.unansweredCommit], server.countCommit() % every == 0 { dropsConnection = true }
    }

    /// After the answer was sent: the commit that it spoke of.
    func settleDeferredCommit() {
        guard let delay = server.flaws[.acknowledgeBeforeCommit], !deferredLocks.isEmpty else { return }
        _ = pause(Double(delay) / 1000)
        // The client was told that this succeeded; there is nobody left to tell of a failure.
        try? connection.run("COMMIT")
        committed()
        for file in deferredLocks { file.writer.release(by: self) }
        deferredLocks = []
    }

    /// tear-one-in: whether the change that comes now is the one that its transaction loses.
    func tearsTransaction() -> Bool {
        guard transaction.count > 0, !transaction.hasWritten, let every = server.flaws[.tearOneIn] else { return false }
        transaction.hasWritten = true
        return server.countTransaction() % every == 0
    }

    /// Makes a change and takes it back, with the answer that it would have had.
    func undone<Result>(_ change: () throws(SQLError) -> Result) throws(SQLError) -> Result {
        do throws(SQLiteFailure) { try connection.run("SAVEPOINT torn") } catch { throw sqlError(error) }
        let result = try change()
        do throws(SQLiteFailure) {
            try connection.run("ROLLBACK TO torn")
            try connection.run("RELEASE torn")
        } catch {
            throw sqlError(error)
        }
        return result
    }

    /// Damages what an INSERT of `count` rows has just stored, if a flaw wants it.
    func damage(_ table: TableInfo, inserted count: Int) throws(SQLError) {
        guard count > 0 else { return }
        let last = connection.lastInsertedRow
        let hits = { (name: Flaws.Name) -> [Int64] in
            guard let every = self.server.flaws[name] else { return [] }
            let before = self.server.countRows(count, for: name)
            return (0..<((before + count) / every - before / every)).map { last - Int64($0) }
        }
        for row in hits(.loseOneIn) { _ = try metadata("DELETE FROM \(table.sql) WHERE rowid = ?", [.integer(row)]) }
        for row in hits(.duplicateOneIn) {
            _ = try metadata("INSERT INTO \(table.sql) SELECT * FROM \(table.sql) WHERE rowid = ?", [.integer(row)])
        }
        for row in hits(.flipBitOneIn) { try flipBit(in: row, of: table) }
    }

    private func flipBit(in row: Int64, of table: TableInfo) throws(SQLError) {
        let keys = table.keys.flatMap(\.columns)
        let candidates = table.columns.filter { column in !keys.contains { $0.caseInsensitivelyEquals(column.name) } }
        let families: [DataType.Family] = [.string, .binary, .integer]
        guard let column = families.lazy.compactMap({ family in candidates.first { $0.type.family == family } }).first else { return }
        let name = column.name.quotedName
        guard let value = try metadata("SELECT \(name) FROM \(table.sql) WHERE rowid = ?", [.integer(row)]).first?.first else { return }
        let damaged: SQLValue
        switch value {
        case .integer(let number): damaged = .integer(number ^ 1)
        case .text(let text): damaged = .text(text.withBitFlipped)
        case .blob(var bytes) where !bytes.isEmpty:
            bytes[bytes.count / 2] ^= 1
            damaged = .blob(bytes)
        case .blob, .real, .null: return
        }
        _ = try metadata("UPDATE \(table.sql) SET \(name) = ? WHERE rowid = ?", [damaged, .integer(row)])
    }

    /// wrong-sentinel: the first row ever sent for these types, again.
    func stale(_ row: [SQLValue], types: [DataType]) -> [SQLValue] {
        server.flaws.has(.wrongSentinel) ? server.firstRow(for: types, or: row) : row
    }
}

extension String {
    /// The lowest bit of the UTF-16 code unit in the middle flipped; such a neighbour is never half of a pair unless the unit was.
    fileprivate var withBitFlipped: String {
        var units = Array(utf16)
        guard !units.isEmpty else { return self }
        let middle = units.indices.first { $0 >= units.count / 2 && !UTF16.isSurrogate(units[$0]) } ?? units.count / 2
        units[middle] ^= 1
        return String(decoding: units, as: UTF16.self)
    }
}
