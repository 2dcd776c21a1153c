import InterSessionCore

/// Says that hellos were refused, as often as a person wants to read it: whoever floods the server with them must not
/// fill the disk with what is said of it.
struct RefusalLog {
    private static let interval: Duration = .seconds(10)

    private var lastLine: ContinuousClock.Instant?
    private var unsaid = 0

    /// - Returns: what is to be said now; nil when it is counted only.
    mutating func line(for error: WireError, at now: ContinuousClock.Instant) -> String? {
        if let lastLine, now < lastLine + Self.interval {
            unsaid += 1
            return nil
        }
        defer {
            lastLine = now
            unsaid = 0
        }
        let others = unsaid == 0 ? "" : " (and \(unsaid) more since the last line)"
        // It may quote what the peer said.
        return SafeText.singleLine("refused a hello: \(error.code): \(error.message)\(others)".unicodeScalars)
    }
}
