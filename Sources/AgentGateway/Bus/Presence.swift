import Synchronization

/// Since when nobody is on the bus for whom a gateway would be there.
final class Presence<Ticker: Clock<Duration>>: Sendable {
    private let clock: Ticker
    private let aloneSince: Mutex<Ticker.Instant?>

    init(clock: Ticker) {
        self.clock = clock
        aloneSince = Mutex(clock.now)
    }

    func update(isEmpty: Bool) {
        aloneSince.withLock { $0 = isEmpty ? $0 ?? clock.now : nil }
    }

    /// Returns when nobody was there for so long.
    ///
    /// - Throws: `CancellationError`.
    func waitUntilAlone(for limit: Duration) async throws {
        while true {
            let end = (aloneSince.withLock { $0 } ?? clock.now).advanced(by: limit)
            guard end > clock.now else { return }
            try await clock.sleep(until: end, tolerance: nil)
        }
    }
}
