import NIOCore

/// Runs `work`, and throws `failure` when it takes longer than `limit`.
package func withDeadline<Result: Sendable>(
    _ limit: Duration,
    else failure: some Error,
    _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await pause(limit)
            throw failure
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw failure }
        return result
    }
}

/// Waits so long, by the tool's event loop; `Task.sleep` would start Dispatch, see ``ToolThread``.
///
/// - Throws: `CancellationError`.
package func pause(_ time: Duration) async throws {
    let timer = ToolThread.eventLoop.scheduleTask(in: TimeAmount(time)) {}
    try await withTaskCancellationHandler {
        do { try await timer.futureResult.get() } catch { throw CancellationError() }
    } onCancel: {
        timer.cancel()
    }
}

/// The clock that tools wait by: it runs on also while the machine sleeps, and its sleepers wait in the tool's event loop.
package struct EventLoopClock: Clock {
    package typealias Instant = ContinuousClock.Instant

    package init() {}

    package var now: Instant { .now }
    package var minimumResolution: Duration { ContinuousClock().minimumResolution }

    package func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await pause(deadline - now)
    }
}
