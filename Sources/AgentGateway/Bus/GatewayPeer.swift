import InterSessionCore
import Logging

/// An agent's gateway as a peer of its bus: it knows who is there, and takes what sessions address to agents elsewhere.
actor GatewayPeer: LinkPeer, MessageSink {
    private static let features: Features = [.receipts, .acks, .replies, .history, .keys, .gateways]

    private let link: SessionLink
    private let introduction: ClientFrame.GatewayIntroduction
    private let logger: Logger

    /// Who is on the bus, whenever that changes; only the newest is kept.
    nonisolated let sessions: AsyncStream<LiveSessions>
    private let sessionsChanged: AsyncStream<LiveSessions>.Continuation
    /// What sessions address to agents elsewhere. The bus hands out no more than ``WireLimits/gatewayUnacknowledged``.
    nonisolated let outgoing: AsyncStream<ServerFrame.Message>
    private let outgoingArrived: AsyncStream<ServerFrame.Message>.Continuation

    /// Who is on the bus.
    private(set) var live = LiveSessions()
    /// The gateway's own id there, which is that of what it sends itself.
    private(set) var ownID = ""
    private var agents: Set<AgentName> = []
    private var hasComplained = false

    init(_ link: SessionLink, introduction: ClientFrame.GatewayIntroduction, logger: Logger) {
        self.link = link
        self.introduction = introduction
        self.logger = logger
        (sessions, sessionsChanged) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (outgoing, outgoingArrived) = AsyncStream.makeStream()
    }

    /// Stays on the bus until the task is cancelled.
    ///
    /// - Throws: `BusError.refused` when the bus does not want the gateway.
    nonisolated func run() async throws {
        defer {
            sessionsChanged.finish()
            outgoingArrived.finish()
        }
        if case .refused(let failure) = try await link.run(self, self) { throw BusError.refused(failure) }
    }

    /// Asks, for as long as it takes to get an answer.
    ///
    /// - Throws: `BusError.refused` for an error of the bus, `CancellationError` when the link is closed.
    nonisolated func ask(_ frame: ClientFrame) async throws -> ServerFrame { try await link.ask(frame) }

    /// A transport has the message. Where there is no connection the bus hands it out again.
    nonisolated func acknowledge(_ id: MessageID) { link.tell(.ack([id.description])) }

    /// No transport takes the message. Where there is no connection the bus hands it out again.
    nonisolated func giveBack(_ id: MessageID, because reason: String) {
        link.tell(.giveBack(messageID: id.description, reason: String(reason.prefix(200))))
    }

    func setAgents(_ agents: Set<AgentName>) {
        self.agents = agents
        link.tell(.agents(agents.map(\.rawValue)))
    }

    // MARK: LinkPeer

    func hello() -> ClientFrame.Hello? {
        ClientFrame.Hello(role: .gateway(introduction), features: Self.features)
    }

    func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) {
        ownID = welcome.sessionID
        hasComplained = false
        logger.info("on the bus")
        link.tell(.agents(agents.map(\.rawValue)))
        link.tell(.list(all: false))
    }

    func received(_ frame: ServerFrame) {
        switch frame {
        case .peerJoined, .peerLeft, .renamed: link.tell(.list(all: false))
        case .listing(let sessions, _, _):
            live = LiveSessions(sessions)
            sessionsChanged.yield(live)
        case .welcome, .pong, .message, .waiting, .sent, .notice, .messages, .disconnected, .error: break
        }
    }

    func refused(_ failure: ServerFrame.Failure, isWelcome: Bool) -> Refusal {
        guard isWelcome else { return failure.code == .unauthorized ? .retry : .end }
        logger.warning("the bus refused something: \(failure)")
        return .stay
    }

    func lost(_ error: any Error, attempts: Int) {
        if error as? BusError == .closed(code: nil, reason: "") { return logger.info("the bus closed the connection") }
        if !hasComplained { logger.warning("the bus cannot be reached: \(error); still trying") }
        hasComplained = true
    }

    // MARK: MessageSink

    /// Each message is acknowledged, or given back, when its transport has said so; others do not wait for that.
    func take(_ mail: [IncomingMail]) -> Handover {
        for case .message(let message) in mail { outgoingArrived.yield(message) }
        return .pending
    }
}
