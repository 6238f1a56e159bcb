/// Returns the result of `operation`, or `nil` when `timeout` passes first; the operation is cancelled then.
public func firstResult<Result: Sendable>(
    within timeout: Duration, _ operation: @escaping @Sendable () async throws -> Result?
) async throws -> Result? {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await ContinuousClock().sleep(for: timeout)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
