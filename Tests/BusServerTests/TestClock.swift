import InterSessionCore
import Synchronization

@testable import BusServer

/// A clock that a test sets: the calendar, and the time that has passed.
final class TestClock: Sendable {
    private let state = Mutex((offset: Duration.zero, elapsed: Duration.zero))
    private let start: (calendar: Timestamp, instant: ContinuousClock.Instant) = (.now(), .now)

    /// Time passes, for the calendar as for everything.
    func advance(by time: Duration) {
        state.withLock { $0.elapsed += time }
    }

    /// Somebody sets the calendar.
    func step(by time: Duration) {
        state.withLock { $0.offset += time }
    }

    /// How much time a test has let pass.
    var elapsed: Duration { state.withLock { $0.elapsed } }

    var now: Timestamp {
        let time = state.withLock { $0.offset + $0.elapsed } + (ContinuousClock.now - start.instant)
        return start.calendar + time
    }

    var clock: BusClock {
        BusClock(
            now: { self.now },
            instant: { .now + self.state.withLock { $0.elapsed } }
        )
    }
}
