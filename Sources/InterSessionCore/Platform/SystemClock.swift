import SystemCalls

enum SystemClock {
    static func now() -> Timestamp {
        var seconds = 0
        var nanoseconds = 0
        platform_now(&seconds, &nanoseconds)
        return Timestamp(microseconds: UInt64(max(0, seconds)) * 1_000_000 + UInt64(nanoseconds / 1000))
    }
}
