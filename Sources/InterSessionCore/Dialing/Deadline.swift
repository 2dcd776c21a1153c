/// Runs `work`, and throws `failure` when it takes longer than `limit`.
package func withDeadline<Result: Sendable>(
    _ limit: Duration,
    else failure: some Error,
    _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: limit)
            throw failure
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw failure }
        return result
    }
}
