import InterSessionCore
import Synchronization

/// Since when nobody is on the bus for whom a gateway would be there.
final class Presence: Sendable {
    private let aloneSince = Mutex<ContinuousClock.Instant?>(.now)

    func update(isEmpty: Bool) {
        aloneSince.withLock { $0 = isEmpty ? $0 ?? .now : nil }
    }

    /// Returns when nobody was there for so long.
    func waitUntilAlone(for limit: Duration) async throws {
        while true {
            let end = (aloneSince.withLock { $0 } ?? .now) + limit
            guard end > .now else { return }
            try await pause(end - .now)
        }
    }
}
