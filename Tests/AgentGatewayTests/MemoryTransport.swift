import InterSessionCore
import NIOCore
import Synchronization

@testable import AgentGateway

/// A transport whose other end is the test.
final class MemoryTransport: Transport {
    struct Body: Equatable {
        let agent: String
        let id: String
        let envelope: SessionEnvelope?

        static func == (first: Body, second: Body) -> Bool { first.agent == second.agent && first.id == second.id }
    }

    private struct State {
        var acknowledged: [String] = []
        var sent: [Body] = []
        var failures: [String: TransportError] = [:]
        var attempts = 0
    }

    let label = "memory"
    private let state = Mutex(State())
    private let arrivals: AsyncThrowingStream<Arrival, any Error>
    private let arrive: AsyncThrowingStream<Arrival, any Error>.Continuation
    private let known: AsyncStream<Set<AgentName>>
    private let know: AsyncStream<Set<AgentName>>.Continuation

    init() {
        (arrivals, arrive) = AsyncThrowingStream.makeStream()
        (known, know) = AsyncStream.makeStream()
    }

    // MARK: The other end

    /// Hands in a message, whose id is its text.
    func deliver(_ text: String, from agent: String, to session: String? = nil) throws {
        var envelope = SessionEnvelope()
        envelope.scope.key = "\(agent):"
        envelope.message.id = text
        envelope.message.text = text
        envelope.routing.toSession = session.flatMap { RoutingLabel(rawValue: $0) }
        let arrival = Arrival(
            id: text,
            sender: try AgentName(validating: agent),
            body: envelope.encode(),
            acknowledge: { [weak self] in self?.state.withLock { $0.acknowledged.append(text) } }
        )
        arrive.yield(arrival)
    }

    func setAgents(_ names: String...) throws {
        know.yield(Set(try names.map { try AgentName(validating: $0) }))
    }

    /// Refuses all that goes to the agent; nil takes it again.
    func fail(_ agent: String, with error: TransportError?) {
        state.withLock { $0.failures[agent] = error }
    }

    var acknowledged: [String] { state.withLock { $0.acknowledged } }
    var sent: [Body] { state.withLock { $0.sent } }
    /// How often something was to be sent.
    var attempts: Int { state.withLock { $0.attempts } }

    // MARK: Transport

    /// Ends with its task alone.
    func run() async throws {
        let (end, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in end {}
        withExtendedLifetime(continuation) {}
    }

    func receive() -> AsyncThrowingStream<Arrival, any Error> { arrivals }

    func send(_ body: ByteBuffer, to agent: AgentName, id: MessageID) async throws(TransportError) {
        let failure = state.withLock { state in
            state.attempts += 1
            guard let failure = state.failures[agent.rawValue] else {
                state.sent.append(
                    Body(agent: agent.rawValue, id: id.description, envelope: SessionEnvelope(decoding: body))
                )
                return nil as TransportError?
            }
            return failure
        }
        if let failure { throw failure }
    }

    func watchAgents(_ report: @Sendable (Set<AgentName>) async -> Void) async {
        for await agents in known { await report(agents) }
    }
}
