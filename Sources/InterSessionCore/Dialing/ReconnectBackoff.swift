/// How long to wait before the next attempt: 0.25 s, doubling to 4 s, each ± 20 % so that a crowd does not come at once.
package struct ReconnectBackoff {
    private static let first = 0.25
    private static let longest = 4.0
    private static let jitter = 0.8...1.2

    private var seconds = Self.first

    package init() {}

    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { seconds = min(seconds * 2, Self.longest) }
        return .seconds(seconds * Double.random(in: Self.jitter, using: &generator))
    }

    package mutating func reset() {
        seconds = Self.first
    }
}
