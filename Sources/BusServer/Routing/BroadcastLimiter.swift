import InterSessionCore

/// Bounds the broadcasts of each agent, however many connections act for it and however often it reconnects.
struct BroadcastLimiter {
    private var recent: [SessionID: [ContinuousClock.Instant]] = [:]

    /// Counts one broadcast of `sender`.
    ///
    /// - Throws: ``WireError/rateLimited(retryAfter:)``; a refused one does not count.
    mutating func admit(_ sender: SessionID, at now: ContinuousClock.Instant) throws(WireError) {
        let windowStart = now - WireLimits.broadcastWindow
        var times = recent[sender, default: []]
        times.removeAll { $0 <= windowStart }
        if times.count >= WireLimits.broadcasts, let oldest = times.first {
            let wait = (oldest - windowStart) / .seconds(1)
            throw .rateLimited(retryAfter: max(1, Int(wait.rounded(.up))))
        }
        times.append(now)
        recent[sender] = times
        forgetTheSilent(windowStart)
    }

    /// Keeps the table as small as the number of sessions that broadcast lately.
    private mutating func forgetTheSilent(_ windowStart: ContinuousClock.Instant) {
        guard recent.count > 1024 else { return }
        recent = recent.filter { $0.value.last.map { $0 > windowStart } ?? false }
    }
}
