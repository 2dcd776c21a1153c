import InterSessionCore

/// What time it is to the bus.
///
/// The calendar names and dates things, and may be set to any time at any moment. So nothing is measured with it: what
/// lasts is measured with a clock that only runs on.
struct BusClock: Sendable {
    /// The time of the calendar.
    let now: @Sendable () -> Timestamp
    /// Runs on at its own pace, also while the machine sleeps.
    let instant: @Sendable () -> ContinuousClock.Instant

    static let system = BusClock(now: { .now() }, instant: { .now })
}
