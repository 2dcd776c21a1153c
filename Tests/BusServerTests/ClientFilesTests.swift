import InterSessionCore
import Platform
import TestSupport
import Testing

@testable import BusServer

/// What clients leave in the data directory, which all its buses share.
@Suite("files of clients")
struct ClientFilesTests {
    private static let day: Duration = .seconds(86_400)

    /// One look at old mail every six hours.
    private func pass(days: Int, _ clock: TestClock, _ bus: MemoryBus) async {
        for _ in 0..<(days * 4) {
            clock.advance(by: .seconds(6 * 3600))
            await bus.loop.advanceTime(by: .minutes(30))
        }
    }

    private func printed(in path: String) throws -> String {
        try Directory.ensurePrivate("\(path)/clients")
        let file = "\(path)/clients/7.9473.printed"
        try File.replace(file, with: "x".utf8)
        return file
    }

    @Test("a bus whose first start is by a calendar that is far ahead removes none")
    func calendarAhead() async throws {
        try await TemporaryDirectory.with { path in
            let file = try printed(in: path)
            let clock = TestClock()
            clock.step(by: .seconds(15 * 86_400))
            for _ in 0..<2 {
                try await MemoryBus.with(path, clock: clock) { bus in
                    await pass(days: 1, clock, bus)
                }
            }
            #expect(File.exists(file))
        }
    }

    @Test("a bus that has known the calendar for as long as mail is kept removes those that were not used since")
    func unused() async throws {
        try await TemporaryDirectory.with { path in
            let file = try printed(in: path)
            let clock = TestClock()
            try await MemoryBus.with(path, clock: clock) { bus in await pass(days: 6, clock, bus) }
            #expect(File.exists(file))
            try await MemoryBus.with(path, clock: clock) { bus in await pass(days: 2, clock, bus) }
            #expect(!File.exists(file))
        }
    }
}
