/// What several runs of the same thing took, or gave.
struct Samples: Sendable {
    private let sorted: [Double]

    init(_ values: [Double]) {
        sorted = values.sorted()
    }

    init(milliseconds durations: [Duration]) {
        self.init(durations.map { $0 / .milliseconds(1) })
    }

    /// What is left of each where so much is something else's.
    func less(_ part: Double) -> Samples { Samples(sorted.map { $0 - part }) }

    var count: Int { sorted.count }
    var median: Double { quantile(0.5) }

    /// The same of what should be large: the value that 95 % of the runs reach.
    func quantile(from top: Double) -> Double {
        sorted.isEmpty ? .nan : sorted[Int((Double(sorted.count) * (1 - top)).rounded(.down))]
    }

    /// - Parameter part: 0.95 for the value that 95 % of the runs do not exceed.
    func quantile(_ part: Double) -> Double {
        guard let last = sorted.last else { return .nan }
        let place = Int((part * Double(sorted.count)).rounded(.up)) - 1
        return place < sorted.count ? sorted[max(0, place)] : last
    }
}

/// How long `body` takes.
func timed(_ body: () throws -> Void) rethrows -> Duration {
    let start = ContinuousClock.now
    try body()
    return .now - start
}
