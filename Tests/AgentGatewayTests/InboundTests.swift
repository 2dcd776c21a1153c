import InterSessionCore
import Platform
import Synchronization
import TestSupport
import Testing

@testable import AgentGateway

/// Mail from outside: who gets it, who waits, and for how long.
@Suite("mail that comes in through a gateway")
struct InboundTests {
    @Test("a message goes to the session that it names, else to the lowest label, and is acknowledged then")
    func routed() async throws {
        try await GatewayFixture.with { fixture in
            fixture.setSessions("claude-2", "claude-1")
            try await fixture.run { life in
                try life.transport.deliver("one", from: "x", to: "claude-2")
                try life.transport.deliver("two", from: "y")
                try await eventually("both") { life.transport.acknowledged.count == 2 ? () : nil }
                #expect(fixture.delivered == ["@x -> id-claude-2: one", "@y -> id-claude-1: two"])
            }
        }
    }

    @Test(
        "what names nobody waits while nobody is there, through a restart, and is decided under the policy of the day"
    )
    func policyOfTheDay() async throws {
        try await GatewayFixture.with { fixture in
            try await fixture.run { life in
                try life.transport.deliver("to all", from: "x")
                try await eventually("it to be kept") { life.transport.acknowledged == ["to all"] ? () : nil }
                #expect(fixture.held.count == 1 && fixture.delivered.isEmpty)
            }
            try await fixture.run(GatewayFixture.settings(.broadcast)) { life in
                try await eventually("the gateway to look") { life.said.contains(.list(all: false)) ? () : nil }
                #expect(fixture.held.count == 1)
                fixture.setSessions("claude-1", "claude-2")
                try await life.bus.connection(1).send(.peerJoined(sessionID: "id-claude-1", name: "claude-1"))
                try await eventually("it") { fixture.held.isEmpty ? () : nil }
                #expect(fixture.delivered == ["@x -> id-claude-1+id-claude-2: to all"])
            }
        }
    }

    @Test("a sender that is limited holds nobody else up, however much it has sent, and keeps its order")
    func limitedSender() async throws {
        let window = Window(limit: 3, length: .seconds(60))
        try await GatewayFixture.with(refusal: { mail, fixture in window.refusal(of: mail, at: fixture.clock.now) }) {
            fixture in
            fixture.setSessions("claude-1")
            try await fixture.run { life in
                for number in 1...200 { try life.transport.deliver("m\(number).", from: "x") }
                try life.transport.deliver("other", from: "y")
                try await eventually("the other") { life.transport.acknowledged.count == 201 ? () : nil }
                #expect(
                    fixture.delivered == (1...3).map { "@x -> id-claude-1: m\($0)." } + ["@y -> id-claude-1: other"]
                )
                #expect(fixture.held.count == 197)
            }
            // What must wait is on this disk, also for the next gateway.
            try await fixture.run { life in
                for round in 2...4 {
                    try await eventually("the sender to wait") { fixture.clock.sleepers == 1 ? () : nil }
                    #expect(fixture.held.count == 200 - (round - 1) * 3)
                    fixture.clock.advance(by: .seconds(60))
                    try await eventually("the next three") { fixture.held.count == 200 - round * 3 ? () : nil }
                }
                #expect(
                    fixture.delivered.filter { $0.hasPrefix("@x") } == (1...12).map { "@x -> id-claude-1: m\($0)." }
                )
            }
        }
    }

    @Test("what the bus does not take for good is kept as failed, and its sender's next message goes on")
    func refused() async throws {
        let refusal: @Sendable (ClientFrame.Inbound, GatewayFixture) -> ServerFrame.Failure? = { mail, _ in
            mail.message.text == "bad" ? ServerFrame.Failure(code: .textTooLong, message: "too long") : nil
        }
        try await GatewayFixture.with(refusal: refusal) { fixture in
            fixture.setSessions("claude-1")
            try await fixture.run { life in
                for text in ["bad", "good"] { try life.transport.deliver(text, from: "x") }
                try await eventually("both") { life.transport.acknowledged == ["bad", "good"] ? () : nil }
                #expect(fixture.delivered == ["@x -> id-claude-1: good"])
                #expect(Directory.entries("\(fixture.directory.gateways)/a.mail/failed").count == 2)
            }
        }
    }

    /// So many messages of a sender in a while, as a bus limits them.
    private final class Window: Sendable {
        private let limit: Int
        private let length: Duration
        private let accepted = Mutex<[String: [ManualClock.Instant]]>([:])

        init(limit: Int, length: Duration) {
            self.limit = limit
            self.length = length
        }

        func refusal(of mail: ClientFrame.Inbound, at now: ManualClock.Instant) -> ServerFrame.Failure? {
            accepted.withLock { accepted in
                let recent = accepted[mail.from, default: []].filter { $0.duration(to: now) < length }
                guard recent.count < limit else {
                    var failure = ServerFrame.Failure(code: .rateLimited, message: "too many")
                    failure.retryAfter = Int((length - recent[0].duration(to: now)) / .seconds(1))
                    return failure
                }
                accepted[mail.from] = recent + [now]
                return nil
            }
        }
    }
}
