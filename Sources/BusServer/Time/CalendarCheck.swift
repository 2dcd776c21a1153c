import InterSessionCore

/// Whether the calendar can be believed enough to let mail grow old by it.
///
/// A clock may be set wrong: by an empty battery, a restored machine, a hand. What it says after an implausible jump
/// forward is doubted until the bus has run for a while by it, or until it is set back to where it was.
struct CalendarCheck: Equatable, Sendable {
    /// How far the calendar and the clock that only runs on may come apart while the server runs.
    private static let tolerance: Duration = .seconds(3600)
    /// For how long the bus must run by a calendar that jumped: a working day, in which a wrong one is set right.
    private static let patience: Duration = .seconds(8 * 3600)

    /// When the calendar was looked at last; nil where it never was.
    var seen: Timestamp?
    /// The last moment that was believed, while it is doubted.
    var doubtedSince: Timestamp?
    /// How long the bus has run by it since it jumped last.
    var believedFor: Duration = .zero
    /// What it said when it was looked at first; nil where nobody has noted that, long ago.
    var since: Timestamp?

    var isDoubted: Bool { doubtedSince != nil }

    /// Whether the calendar was looked at before that moment. Of what others have left behind since then this bus can tell
    /// how old it is: a calendar that was wrong from the first look on has not jumped.
    func wasKnown(before moment: Timestamp) -> Bool {
        since.map { $0 <= moment } ?? (seen != nil)
    }

    /// Looks at the calendar.
    ///
    /// - Parameters:
    ///   - elapsed: since the last look, by the clock that only runs on; nil for the first look of a server.
    ///   - longestAbsence: how much later than the last look the first look of a server may be.
    /// - Returns: how far it has jumped forward, where that is not plausible and was not said yet.
    mutating func look(at now: Timestamp, elapsed: Duration?, longestAbsence: Duration) -> Duration? {
        defer { seen = now }
        guard let seen else {
            since = now
            return nil
        }
        if let first = since, now < first { since = now }
        let step = now.timeSince(seen)
        let isPlausible = step <= (elapsed.map { $0 + Self.tolerance } ?? longestAbsence)
        guard let doubtedSince else {
            guard !isPlausible else { return nil }
            self.doubtedSince = seen
            believedFor = .zero
            return step
        }
        if !isPlausible {
            believedFor = .zero
        } else if step > .zero {
            believedFor += elapsed ?? .zero
        }
        // A small correction of a wrong calendar does not make it right.
        let isSetRight = now.timeSince(doubtedSince) <= (elapsed ?? .zero) + believedFor + Self.tolerance
        if isSetRight || believedFor >= Self.patience { self.doubtedSince = nil }
        return nil
    }
}
