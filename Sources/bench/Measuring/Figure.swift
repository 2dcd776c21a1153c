import InterSessionCore
import NIOCore

/// One line of the benchmark: what was measured, and beside it what the machine itself needs for the same.
struct Figure: Sendable {
    enum Unit: String, Sendable {
        case milliseconds = "ms"
        case perSecond = "/s"
        case mebibytes = "MiB"
        case perMinute = "/min"
    }

    /// What the machine needs for the same, in the same unit.
    struct Floor: Sendable {
        let name: String
        let median: Double
    }

    let name: String
    let unit: Unit
    var samples: Samples
    var floors: [Floor] = []
    /// What the project wants: at most so much, or for a rate at least.
    var target: Double?
    /// What the project wants, as so many times the first floor at most.
    var factor: Double?

    private var p95: Double { unit == .perSecond ? samples.quantile(from: 0.95) : samples.quantile(0.95) }
    private var p99: Double { unit == .perSecond ? samples.quantile(from: 0.99) : samples.quantile(0.99) }

    var cells: [String] {
        [
            name,
            "\(Self.text(samples.median)) \(unit.rawValue)",
            samples.count > 1 ? Self.text(p95) : "",
            samples.count > 1 ? Self.text(p99) : "",
            targets.joined(separator: ", "),
            floors.map { "\($0.name) \(Self.text($0.median))" }.joined(separator: ", "),
            floors.map { "\(Self.text(distance(from: $0)))x" }.joined(separator: ", "),
        ]
    }

    private var targets: [String] {
        [
            target.map { "\(unit == .perSecond ? "≥" : "≤") \(Self.text($0))" },
            factor.map { "≤ \(Self.text($0))x" },
        ].compactMap { $0 }
    }

    private func distance(from floor: Floor) -> Double {
        unit == .perSecond ? floor.median / samples.median : samples.median / floor.median
    }

    static let header = ["figure", "median", "p95", "p99", "target", "floor", "of it"]

    /// Three digits that matter.
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        if value >= 100 { return grouped(Int(value.rounded())) }
        let scale = value >= 10 ? 10.0 : 100.0
        let parts = Int((value * scale).rounded())
        let rest = String(parts % Int(scale))
        let zeros = String(repeating: "0", count: (scale == 10 ? 1 : 2) - rest.utf8.count)
        return "\(parts / Int(scale)).\(zeros)\(rest)"
    }

    private static func grouped(_ number: Int) -> String {
        number < 1000 ? "\(number)" : "\(grouped(number / 1000)),\(String(number % 1000 + 1000).dropFirst())"
    }

    /// The line of a record. Numbers are thousandths: the toolkit's JSON has integers.
    func write(to json: inout JSONWriter) {
        json.field("name", name)
        json.field("unit", unit.rawValue)
        json.field("runs", samples.count)
        json.field("median_thousandths", Self.thousandths(samples.median))
        json.field("p95_thousandths", Self.thousandths(p95))
        json.field("p99_thousandths", Self.thousandths(p99))
        json.field("floors", floors) { json, floor in
            json.field("name", floor.name)
            json.field("median_thousandths", Self.thousandths(floor.median))
        }
    }

    private static func thousandths(_ value: Double) -> Int {
        value.isFinite ? Int((value * 1000).rounded()) : 0
    }
}
