import SystemCalls

/// The system's calendar, which people and time servers may set to any moment.
package enum SystemClock {
    /// Microseconds since 1970 UTC.
    package static func now() -> UInt64 {
        var seconds = 0
        var nanoseconds = 0
        platform_now(&seconds, &nanoseconds)
        return UInt64(max(0, seconds)) * 1_000_000 + UInt64(nanoseconds / 1000)
    }
}
