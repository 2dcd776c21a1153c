import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

@testable import BusServer

/// The server against a model of the protocol: both are told the same, and must do the same.
///
/// `INTER_SESSION_SEQUENCES=100000` tries more sequences, `INTER_SESSION_SEED=7` that one again.
@Suite("differential")
struct DifferentialTests {
    /// Each waits for its own threads most of the time.
    private static let atOnce = 4

    @Test("random sequences leave every mailbox as the model says: nothing lost, doubled, or shown to another")
    func sequences() async throws {
        let seeds = Self.seeds
        try await Self.withDirectory { place in
            let runner = SequenceRunner(place: place)
            try await runner.prepare()
            let queue = SeedQueue(seeds)
            let failures = await withTaskGroup(of: [String].self) { tasks in
                for _ in 0..<Self.atOnce {
                    tasks.addTask { await Self.work(runner, queue) }
                }
                var failures: [String] = []
                for await some in tasks { failures += some }
                return failures
            }
            for failure in failures { Issue.record("\(failure)") }
        }
    }

    /// Runs one seed after the other, until some have failed.
    private static func work(_ runner: SequenceRunner, _ seeds: SeedQueue) async -> [String] {
        var failures: [String] = []
        while failures.isEmpty, let seed = seeds.next() {
            var generator = SequenceGenerator(seed: seed)
            let steps = generator.sequence()
            guard let disagreement = await runner.run(steps, as: "\(seed)") else { continue }
            let few = await runner.shrink(steps, as: "\(seed)")
            let reason = await runner.run(few, as: "\(seed)") ?? "(not every time) \(disagreement)"
            failures.append(
                """
                INTER_SESSION_SEED=\(seed): \(reason)
                \(few.enumerated().map { "  \($0 + 1). \($1)" }.joined(separator: "\n"))
                """
            )
        }
        return failures
    }

    private static var seeds: ClosedRange<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["INTER_SESSION_SEED"].flatMap({ UInt64($0) }) { return seed...seed }
        let count = environment["INTER_SESSION_SEQUENCES"].flatMap { UInt64($0) }
        return 1...max(1, count ?? (environment["CI"] == nil ? 1000 : 10_000))
    }

    /// In memory where the system has a place for that.
    private static func withDirectory(_ body: (String) async throws -> Void) async throws {
        guard FileManager.default.isWritableFile(atPath: "/dev/shm") else {
            return try await TemporaryDirectory.with { try await body($0 + "/differential") }
        }
        let place = "/dev/shm/is-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try await body(place)
    }
}

/// The seeds that are still to be tried.
private final class SeedQueue: Sendable {
    private let seeds: Mutex<ArraySlice<UInt64>>

    init(_ seeds: ClosedRange<UInt64>) {
        self.seeds = Mutex(Array(seeds)[...])
    }

    func next() -> UInt64? { seeds.withLock { $0.popFirst() } }
}
