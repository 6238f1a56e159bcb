extension Session {
    func beginTransaction(_ sink: any ResultSink) throws(SQLError) {
        if transaction.count == 0 {
            settleDeferredCommit()
            guard options.isolation != .snapshot else {
                throw SQLError(
                    number: 3952,
                    message:
                        "Snapshot isolation transaction failed accessing database '\(database)' because snapshot isolation is not allowed in this database.",
                    scope: .batch)
            }
            transaction.descriptor = server.nextTransactionDescriptor()
            transaction.count = 1
            sink.change(.transactionBegun(transaction.descriptor))
        } else {
            transaction.count += 1
        }
    }

    func commitTransaction(_ sink: any ResultSink) throws(SQLError) {
        guard transaction.count > 0 else {
            throw SQLError(number: 3902, message: "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        }
        guard transaction.count == 1 else {
            transaction.count -= 1
            return
        }
        let descriptor = transaction.descriptor
        do throws(SQLiteFailure) {
            try keepSteals()
            try commitToDisk()
        } catch {
            let failure = sqlError(error)
            endTransaction(commit: false)
            sink.change(.transactionRolledBack(descriptor))
            throw failure
        }
        endTransaction(commit: true)
        sink.change(.transactionCommitted(descriptor))
    }

    func rollbackTransaction(_ sink: any ResultSink) throws(SQLError) {
        guard transaction.count > 0 else {
            throw SQLError(number: 3903, message: "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        }
        let descriptor = transaction.descriptor
        endTransaction(commit: false)
        sink.change(.transactionRolledBack(descriptor))
    }

    /// Forgets the transaction and lets the next writer in; unless `commit` says that it is already durable, it is rolled back.
    func endTransaction(commit: Bool) {
        if !commit, connection.isInTransaction, deferredLocks.isEmpty {
            // A rollback in SQLite fails only when there is nothing left to roll back.
            try? connection.run("ROLLBACK")
        }
        for file in transaction.locked { file.writer.release(by: self) }
        let steals = transaction.steals
        transaction = TransactionState()
        endSteals(steals, undo: !commit)
        catalog = Catalog(connection)
    }

    /// Queues for the right to write to `file`. Until the first write a transaction holds nothing at all, so every statement of it sees what others
    /// have committed meanwhile (READ COMMITTED), and no reader is ever refused the step to writer.
    func lock(_ file: DatabaseFile) throws(SQLError) {
        guard !transaction.locked.contains(where: { $0 === file }), !deferredLocks.contains(where: { $0 === file }) else { return }
        let timeout: Double?
        if !transaction.locked.isEmpty {
            // Two writers that want each other's database would wait forever; SQL Server finds such a deadlock within 5 s.
            timeout = 5
        } else {
            timeout = options.lockTimeout < 0 ? nil : Double(options.lockTimeout) / 1000
        }
        guard file.writer.acquire(for: self, timeout: timeout, isCancelled: isCancelled) else {
            if transaction.locked.isEmpty {
                throw SQLError(number: 1222, state: 51, message: "Lock request time out period exceeded.")
            }
            throw sqlError(SQLiteFailure(code: 5, message: "deadlock"))
        }
        transaction.locked.append(file)
    }

    /// Runs `body` as a unit: inside the open transaction, or in one of its own that is durable before this returns.
    func write<Result>(to file: DatabaseFile, _ body: () throws(SQLError) -> Result) throws(SQLError) -> Result {
        try lock(file)
        let isOwn = transaction.count == 0
        do throws(SQLiteFailure) {
            if !connection.isInTransaction { try connection.run("BEGIN") }
        } catch {
            if isOwn { endTransaction(commit: false) }
            throw sqlError(error)
        }
        let result: Result
        do throws(SQLError) {
            result = tearsTransaction() ? try undone(body) : try body()
        } catch {
            if isOwn { endTransaction(commit: false) }
            throw error
        }
        guard isOwn else { return result }
        do throws(SQLiteFailure) {
            try commitToDisk()
        } catch {
            let failure = sqlError(error)
            endTransaction(commit: false)
            throw failure
        }
        endTransaction(commit: true)
        return result
    }
}
