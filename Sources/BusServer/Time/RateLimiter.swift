import InterSessionCore

/// Bounds how often something may happen within any window of time, for each key on its own.
struct RateLimiter<Key: Hashable> {
    private let most: Int
    private let window: Duration
    private let what: String
    private var recent: [Key: [ContinuousClock.Instant]] = [:]
    /// When so many keys are known, those of long ago are forgotten.
    private var sweepSize = smallestSweep
    private static var smallestSweep: Int { 1024 }

    /// - Parameters:
    ///   - most: within the window; 0 is any number.
    ///   - what: there may be too much of, for people.
    init(most: Int, window: Duration, of what: String) {
        self.most = most
        self.window = window
        self.what = what
    }

    /// Counts one event.
    ///
    /// - Throws: ``WireError/rateLimited(retryAfter:of:)``; a refused one does not count.
    mutating func admit(_ key: Key, at now: ContinuousClock.Instant) throws(WireError) {
        guard most > 0 else { return }
        let windowStart = now - window
        var times = recent[key, default: []]
        times.removeAll { $0 <= windowStart }
        if times.count >= most, let oldest = times.first {
            let wait = (oldest - windowStart) / .seconds(1)
            throw .rateLimited(retryAfter: max(1, Int(wait.rounded(.up))), of: "\(most) \(what)")
        }
        times.append(now)
        recent[key] = times
        forgetTheSilent(windowStart)
    }

    /// Keeps the table as small as twice the number of keys of late; a look at all of them is paid by as many new ones.
    private mutating func forgetTheSilent(_ windowStart: ContinuousClock.Instant) {
        guard recent.count > sweepSize else { return }
        recent = recent.filter { $0.value.last.map { $0 > windowStart } ?? false }
        sweepSize = max(Self.smallestSweep, 2 * recent.count)
    }
}
