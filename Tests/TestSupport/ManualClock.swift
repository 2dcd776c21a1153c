import Synchronization

/// A clock that a test moves on. Whoever sleeps by it wakes up when the test has come to that time.
package final class ManualClock: Clock, Sendable {
    package struct Instant: InstantProtocol {
        let elapsed: Duration

        package func advanced(by duration: Duration) -> Instant { Instant(elapsed: elapsed + duration) }
        package func duration(to other: Instant) -> Duration { other.elapsed - elapsed }
        package static func < (first: Instant, second: Instant) -> Bool { first.elapsed < second.elapsed }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant(elapsed: .zero)
        var sleepers: [Int: Sleeper] = [:]
        var last = 0
        var slept: [Duration] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var now: Instant { state.withLock { $0.now } }
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// How long those who have slept so far wanted to, in their order.
    package var slept: [Duration] { state.withLock { $0.slept } }
    /// How many sleep now.
    package var sleepers: Int { state.withLock { $0.sleepers.count } }

    package func advance(by time: Duration) {
        let awake = state.withLock { state in
            state.now = state.now.advanced(by: time)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }.sorted {
                $0.value.deadline < $1.value.deadline
            }
            for sleeper in due { state.sleepers[sleeper.key] = nil }
            return due
        }
        for sleeper in awake { sleeper.value.continuation.resume() }
    }

    package func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let number = state.withLock { state in
            state.last += 1
            state.slept.append(deadline.elapsed - state.now.elapsed)
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isDue = state.withLock { state in
                    guard deadline > state.now, !Task.isCancelled else { return true }
                    state.sleepers[number] = Sleeper(deadline: deadline, continuation: continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume(
                throwing: CancellationError()
            )
        }
        try Task.checkCancellation()
    }
}
