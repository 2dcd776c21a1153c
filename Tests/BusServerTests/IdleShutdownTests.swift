import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Testing

@testable import BusServer

@Suite("idle shutdown")
struct IdleShutdownTests {
    /// Runs `steps` on a bus that may be idle for ten minutes; returns whether it ended.
    private func ends(minutes: Int, _ steps: [(isEmpty: Bool, for: TimeAmount)]) async throws -> Bool {
        let loop = NIOAsyncTestingEventLoop()
        let hasEnded = NIOLockedValueBox(false)
        let idle = try await loop.executeInContext {
            let idle = IdleShutdown(eventLoop: loop, minutes: minutes) { hasEnded.withLockedValue { $0 = true } }
            return NIOLoopBound(idle, eventLoop: loop)
        }
        for step in steps {
            try await loop.executeInContext { idle.value.populationChanged(isEmpty: step.isEmpty) }
            await loop.advanceTime(by: step.for)
        }
        return hasEnded.withLockedValue { $0 }
    }

    @Test("an empty bus ends after its minutes, and not before")
    func empty() async throws {
        #expect(try await ends(minutes: 10, [(true, .seconds(599))]) == false)
        #expect(try await ends(minutes: 10, [(true, .seconds(601))]) == true)
    }

    @Test("whoever comes in time keeps it, and the minutes begin again when the last has left")
    func occupied() async throws {
        #expect(try await ends(minutes: 10, [(true, .minutes(9)), (false, .hours(1))]) == false)
        #expect(try await ends(minutes: 10, [(true, .minutes(9)), (false, .minutes(1)), (true, .minutes(9))]) == false)
        #expect(try await ends(minutes: 10, [(false, .hours(1)), (true, .minutes(11))]) == true)
    }

    @Test("zero minutes are never")
    func never() async throws {
        #expect(try await ends(minutes: 0, [(true, .hours(1000))]) == false)
    }
}
