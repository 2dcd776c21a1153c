import InterSessionCore
import NIOCore
import Platform

@testable import BusServer

/// Does what a sequence says to buses of its own, and to the models of them.
struct SequenceRunner: Sendable {
    /// A directory for everything, with a database that is ready in `template`.
    let place: String

    /// - Returns: what the buses did that they may not do; nil when they did all as they should.
    func run(_ steps: [Step], as name: String) async -> String? {
        let directory = "\(place)/\(name)"
        defer { Directory.removeAll(directory) }
        do {
            try Directory.ensurePrivate(directory)
            let clock = TestClock()
            var buses: [LiveBus] = []
            for number in 0...(steps.map(\.bus).max() ?? 0) {
                buses.append(try await LiveBus(in: "\(directory)/\(number)", template: template, clock: clock))
            }
            let outcome = await run(steps, on: buses, clock)
            if outcome != nil { for bus in buses { await bus.stop() } }
            return outcome
        } catch {
            return "could not begin: \(error)"
        }
    }

    private var template: String { "\(place)/template" }

    private func run(_ steps: [Step], on buses: [LiveBus], _ clock: TestClock) async -> String? {
        var last = "the start"
        do {
            for (number, step) in steps.enumerated() {
                last = "step \(number + 1), \(step)"
                switch step.operation {
                case .step(let hours): clock.step(by: .seconds(hours * 3600))
                case .pass(let hours):
                    for bus in buses { try await bus.compare() }
                    clock.advance(by: .seconds(hours * 3600))
                    for bus in buses { try await bus.advance(by: .minutes(30)) }
                case .pause:
                    for bus in buses { try await bus.advance(by: .seconds(1)) }
                default: try await buses[step.bus].perform(step.operation, isAwaited: step.settles)
                }
            }
            last = "the end"
            for bus in buses { try await bus.finish() }
            return nil
        } catch {
            return "after \(last): \(error)"
        }
    }

    /// Makes the database with which all sequences begin.
    func prepare() async throws {
        try Directory.ensurePrivate(place)
        try await MemoryBus.with(template) { bus in _ = try await bus.settle() }
    }

    /// Leaves out whatever can be left out without the disagreement being gone.
    func shrink(_ steps: [Step], as name: String) async -> [Step] {
        var steps = steps
        var size = max(1, steps.count / 2)
        while true {
            var start = 0
            var hasShrunk = false
            while start < steps.count {
                var fewer = steps
                fewer.removeSubrange(start..<min(start + size, steps.count))
                if !fewer.isEmpty, await run(fewer, as: name) != nil {
                    steps = fewer
                    hasShrunk = true
                } else {
                    start += size
                }
            }
            if size > 1 { size /= 2 } else if !hasShrunk { return steps }
        }
    }
}
