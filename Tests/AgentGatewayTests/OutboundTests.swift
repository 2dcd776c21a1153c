import InterSessionCore
import Logging
import TestSupport
import Testing

@testable import AgentGateway

/// Mail of the sessions to agents elsewhere, and the gateway's place on its bus.
@Suite("mail that goes out through a gateway")
struct OutboundTests {
    private func mail(_ number: Int, to address: String) -> ServerFrame {
        let message = ServerFrame.Message(
            id: "aaaaaaaaa\(number)",
            from: "id-claude-1",
            fromName: "claude-1",
            to: address,
            text: "m\(number)",
            timestamp: ""
        )
        return .message(message)
    }

    private func acknowledged(_ life: GatewayFixture.Life) -> [String] {
        life.bus.connections.last?.acknowledged ?? []
    }

    @Test("a message is acknowledged when the transport has it, and again when it comes again, and is sent once")
    func forwarded() async throws {
        try await GatewayFixture.with { fixture in
            fixture.setSessions("claude-1")
            try await fixture.run { life in
                let connection = try await life.bus.connection(1)
                try await eventually("the gateway to look") { life.said.contains(.list(all: false)) ? () : nil }
                connection.send(mail(1, to: "claude-3@b"))
                try await eventually("word of it") { acknowledged(life) == ["aaaaaaaaa1"] ? () : nil }
                connection.send(mail(1, to: "claude-3@b"))
                try await eventually("word again") { acknowledged(life).count == 2 ? () : nil }
                let body = try #require(life.transport.sent.first)
                #expect(life.transport.sent == [body] && body.agent == "b" && body.id == "aaaaaaaaa1")
                #expect(body.envelope?.message.text == "m1" && body.envelope?.routing.toSession?.rawValue == "claude-3")
            }
        }
    }

    @Test("mail to one agent keeps its order, and mail to another does not wait for it")
    func lanes() async throws {
        try await GatewayFixture.with { fixture in
            try await fixture.run { life in
                life.transport.fail("b", with: .failed("its disk is full"))
                let connection = try await life.bus.connection(1)
                connection.send(mail(1, to: "@b"), mail(2, to: "@b"), mail(3, to: "@c"))
                try await eventually("the other") { acknowledged(life) == ["aaaaaaaaa3"] ? () : nil }
                try await eventually("the first to wait") { fixture.clock.sleepers == 1 ? () : nil }
                life.transport.fail("b", with: nil)
                fixture.clock.advance(by: .seconds(1))
                try await eventually("both") { acknowledged(life).count == 3 ? () : nil }
                #expect(life.transport.sent.map(\.id) == ["aaaaaaaaa3", "aaaaaaaaa1", "aaaaaaaaa2"])
            }
        }
    }

    @Test("what cannot be forwarded for as long as is tried goes back, and what is refused at once")
    func givenBack() async throws {
        try await GatewayFixture.with { fixture in
            try await fixture.run(GatewayFixture.settings(retryTime: .seconds(10))) { life in
                life.transport.fail("b", with: .failed("no route"))
                life.transport.fail("c", with: .refused("never"))
                let connection = try await life.bus.connection(1)
                connection.send(mail(1, to: "@b"), mail(2, to: "@c"), mail(3, to: "nowhere"))
                try await eventually("both that are refused") { returned(life).count == 2 ? () : nil }
                #expect(returned(life)["aaaaaaaaa2"] == "never")
                #expect(returned(life)["aaaaaaaaa3"] == "'nowhere' is no address")
                for seconds in [1, 2, 4] {
                    try await eventually("it to wait") { fixture.clock.sleepers == 1 ? () : nil }
                    #expect(returned(life)["aaaaaaaaa1"] == nil)
                    fixture.clock.advance(by: .seconds(seconds))
                }
                try await eventually("it to wait") { fixture.clock.sleepers == 1 ? () : nil }
                fixture.clock.advance(by: .seconds(10))
                try await eventually("it to go back") { returned(life)["aaaaaaaaa1"] == "no route" ? () : nil }
                #expect(life.transport.attempts >= 5 && acknowledged(life).isEmpty)
            }
        }
    }

    private func returned(_ life: GatewayFixture.Life) -> [String: String] {
        let returned: [(String, String)] = life.said.compactMap { frame in
            if case .giveBack(let id, let reason) = frame { (id, reason) } else { nil }
        }
        return Dictionary(returned) { $1 }
    }

    @Test("on each connection it says which agents it knows, and asks who is there")
    func reconnects() async throws {
        try await GatewayFixture.with { fixture in
            try await fixture.run { life in
                try life.transport.setAgents("b", "c")
                let names = { (frames: [ClientFrame]) -> Set<String> in
                    frames.reduce([]) { if case .agents(let names) = $1 { Set(names) } else { $0 } }
                }
                try await eventually("the agents") { names(life.said) == ["b", "c"] ? () : nil }
                try await life.bus.connection(1).close()
                try await eventually("it to wait") { fixture.clock.sleepers == 1 ? () : nil }
                fixture.clock.advance(by: .seconds(1))
                _ = try await life.bus.connection(2)
                try await eventually("all of it") { life.said.count == 3 ? () : nil }
                #expect(names(life.said) == ["b", "c"] && life.said.contains(.list(all: false)))
            }
        }
    }

    @Test("it leaves when nobody was there for so long, and stays while somebody is")
    func idle() async throws {
        try await GatewayFixture.with { fixture in
            async let end = fixture.end(GatewayFixture.settings(idleTime: .seconds(60)))
            try await eventually("it to wait") { fixture.clock.sleepers == 1 ? () : nil }
            fixture.clock.advance(by: .seconds(60))
            guard case .alone = try await end else {
                Issue.record("it stays")
                return
            }
        }
    }

    @Test("a bus that does not want it ends it")
    func refused() async throws {
        let bus = ScriptedBus { request, connection in
            guard case .hello = request.frame else { return }
            connection.send(.error(.init(code: .invalidPayload, message: "no")))
        }
        let gateway = GatewayPeer(
            SessionLink(bus.dialer),
            introduction: .init(agent: "a", label: "memory", policy: "primary"),
            logger: .init(label: "test")
        )
        await #expect(throws: BusError.refused(.init(code: .invalidPayload, message: "no"))) { try await gateway.run() }
    }
}
