import InterSessionCore
import NIOCore
import NIOWebSocket
import TestSupport
import Testing

@testable import BusServer

/// What becomes of sessions that nobody has seen for as long as mail is kept.
@Suite("forgetting")
struct ForgettingTests {
    private static let sender = "receipts hold acks"

    /// Time passes, a look at old mail every six hours, so that no calendar jumps. Whoever is here must say so.
    private func pass(days: Int, _ clock: TestClock, _ bus: MemoryBus, here: [MemoryPeer] = []) async throws {
        for _ in 0..<(days * 4) {
            clock.advance(by: .seconds(6 * 3600))
            for _ in 0..<60 {
                await bus.loop.advanceTime(by: .seconds(30))
                for peer in here { try await peer.send(#"{"op":"ping"}"#) }
            }
        }
    }

    @Test("a message to a session that is just being forgotten is refused, or arrives", arguments: 1...10)
    func raceWithExpiry(round: Int) async throws {
        try await TemporaryDirectory.with { path in
            let clock = TestClock()
            try await MemoryBus.with(path, .unlimited, clock: clock) { bus in
                let names = (1...20).map { "away-\($0)" }
                for name in names { try await bus.join(name).leave() }
                try await pass(days: 6, clock, bus)
                let alpha = try await bus.join("alpha", features: Self.sender)
                // The look that finds them old is under way while these are sent.
                clock.advance(by: .seconds(28 * 3600))
                for _ in 0..<60 {
                    await bus.loop.advanceTime(by: .seconds(30))
                    try await alpha.send(#"{"op":"ping"}"#)
                }
                for name in names {
                    try await alpha.send(#"{"op":"send","to":"\#(name)","text":"\#(name)","ref":"\#(name)"}"#)
                }
                let answers = try await alpha.answers(count: names.count)
                let accepted = answers.filter { $0.value == "sent" }.keys
                try await pass(days: 1, clock, bus)
                for name in accepted {
                    #expect(try await bus.join(name, features: "acks").texts(1) == [name])
                }
            }
        }
    }

    @Test("a session that is here for longer than mail is kept is known after a kill -9 of its server")
    func presentForLong() async throws {
        try await TemporaryDirectory.with { path in
            let clock = TestClock()
            try await MemoryBus.with(path, .unlimited, clock: clock) { bus in
                let beta = try await bus.join("beta", features: "acks")
                try await pass(days: 9, clock, bus, here: [beta])
            }
            // Nobody said that it left.
            try await MemoryBus.with(path, .unlimited, clock: clock) { bus in
                try await pass(days: 1, clock, bus)
                let alpha = try await bus.join("alpha", features: Self.sender)
                #expect(try await alpha.message("x", to: "beta").string("state") == "queued")
            }
        }
    }
}

extension MemoryPeer {
    /// The ops of so many answers, by their reference; frames without one are passed over.
    fileprivate func answers(count: Int) async throws -> [String: String] {
        var answers: [String: String] = [:]
        return try await eventually("\(count) answers") {
            while let frame = try await channel.readOutbound(as: WebSocketFrame.self) {
                guard frame.opcode == .text else { continue }
                let object = try JSONObject(frame.data)
                if let ref = try object.string("ref") { answers[ref] = try object.string("op") }
            }
            return answers.count >= count ? answers : nil
        }
    }
}
