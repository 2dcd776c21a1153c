/// How long to wait before the next attempt: twice as long each time, up to a limit, each ± 20 % so that a crowd does not
/// come at once.
package struct Backoff: Sendable {
    private static let jitter = 0.8...1.2

    /// For a connection to the bus, which somebody starts at once: 0.25 s to 4 s.
    package static let reconnect = Backoff(from: 0.25, to: 4)
    /// For what waits until somebody has made room, or has mended something: 0.5 s to 30 s.
    package static let retry = Backoff(from: 0.5, to: 30)

    private var seconds: Double
    private let longest: Double

    private init(from first: Double, to longest: Double) {
        seconds = first
        self.longest = longest
    }

    package mutating func next() -> Duration {
        defer { seconds = min(seconds * 2, longest) }
        return .seconds(seconds * Double.random(in: Self.jitter))
    }
}
