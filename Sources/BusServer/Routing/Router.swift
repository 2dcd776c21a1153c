import InterSessionCore
import Logging

/// What happens for each frame. It belongs to the server's one event loop, and everything it owns with it.
final class Router {
    let registry: Registry
    private let handshake: HelloHandshake
    private let journal: Journal
    private let logger: Logger
    private var messageIDs: MessageID.Sequence
    private var broadcastLimiter = BroadcastLimiter()
    /// Told whenever an agent has come or gone.
    var onPopulationChange: () -> Void = {}

    init(registry: Registry, token: BearerToken, journal: Journal, lastMessageID: MessageID?, logger: Logger) {
        self.registry = registry
        self.handshake = HelloHandshake(token: token, registry: registry)
        self.journal = journal
        self.logger = logger
        messageIDs = MessageID.Sequence(after: lastMessageID)
    }

    /// Does what the frame asks, and answers on the connection.
    ///
    /// - Throws: ``WireError``, which the connection tells its peer.
    func route(_ request: ClientRequest, from connection: Connection) throws(WireError) {
        guard case .hello(let hello) = request.frame else {
            try route(request, of: try agent(behind: connection), from: connection)
            return
        }
        guard case .awaitingHello = connection.peer else { throw .unknownOp("hello was said already") }
        try welcome(hello, ref: request.ref, on: connection)
    }

    /// The peer has gone; what it was on the bus goes with it.
    func connectionClosed(_ connection: Connection) {
        guard case .agent(let agent) = connection.peer, registry[agent.id] === agent else { return }
        registry.remove(agent)
        logger.info("left: \(agent.id) '\(agent.name?.rawValue ?? "")'")
        announce(.peerLeft(sessionID: agent.id.rawValue), except: agent)
        onPopulationChange()
    }

    private func route(_ request: ClientRequest, of sender: Agent, from connection: Connection) throws(WireError) {
        switch request.frame {
        case .hello: break
        case .ping: connection.whenSettled { $0.write(.pong(ref: request.ref)) }
        case .list: connection.write(.listing(listing(), ref: request.ref))
        case .send(let target, let text): try send(text, to: target, of: sender, request, connection)
        case .broadcast(let text): try broadcast(text, of: sender, request, connection)
        case .rename(let name): try rename(sender, to: name, ref: request.ref, connection)
        case .bye: connection.whenSettled { $0.close(.normal) }
        }
    }

    /// The agent that the connection is, or acts for.
    private func agent(behind connection: Connection) throws(WireError) -> Agent {
        switch connection.peer {
        case .awaitingHello:
            throw .unauthorized("the first frame must be hello")
        case .agent(let agent):
            return agent
        case .control(let right):
            guard let agent = registry[right.session], agent.accepts(nonce: right.nonce) else {
                throw .unauthorized("the session that this connection acted for has left")
            }
            return agent
        }
    }

    private func welcome(_ hello: ClientFrame.Hello, ref: String?, on connection: Connection) throws(WireError) {
        switch try handshake.judge(hello, isLocalUser: connection.isLocalUser) {
        case .agent(let introduction, let old):
            join(introduction, replacing: old, on: connection)
        case .control(let right):
            connection.peer = .control(right)
            connection.write(
                .welcome(
                    .init(
                        sessionID: SessionID.random().rawValue,
                        assignedName: "",
                        forSession: right.session.rawValue
                    )
                )
            )
        }
    }

    private func join(_ introduction: HelloHandshake.Introduction, replacing old: Agent?, on connection: Connection) {
        let agent = Agent(introduction, since: .now(), connection: connection)
        registry.add(agent)
        connection.peer = .agent(agent)
        let name = agent.name?.rawValue ?? ""
        connection.write(.welcome(.init(sessionID: agent.id.rawValue, assignedName: name)))
        if let old {
            logger.info("came again: \(agent.id) '\(name)'")
            old.connection.close(.replaced)
            if old.name != agent.name {
                announce(.renamed(sessionID: agent.id.rawValue, name: name, ref: nil), except: agent)
            }
        } else {
            logger.info("joined: \(agent.id) '\(name)'")
            announce(.peerJoined(sessionID: agent.id.rawValue, name: name), except: agent)
        }
        onPopulationChange()
    }

    private func listing() -> [ServerFrame.SessionSummary] {
        registry.agents.map(\.summary).sorted { ($0.name, $0.sessionID) < ($1.name, $1.sessionID) }
    }

    private func send(
        _ text: String,
        to target: String,
        of sender: Agent,
        _ request: ClientRequest,
        _ connection: Connection
    ) throws(WireError) {
        try check(text, limit: WireLimits.directText)
        let recipient = try AddressResolver.resolve(target, from: sender.id, in: registry)
        var message = message(text, from: sender)
        message.to = recipient.name?.rawValue ?? recipient.id.rawValue
        message.toSessionID = recipient.id.rawValue
        accept(message, for: [recipient.id], request, connection)
    }

    private func broadcast(
        _ text: String,
        of sender: Agent,
        _ request: ClientRequest,
        _ connection: Connection
    ) throws(WireError) {
        try check(text, limit: WireLimits.broadcastText)
        try broadcastLimiter.admit(sender.id, at: .now)
        let everyoneElse = registry.agents.map(\.id).filter { $0 != sender.id }
        accept(message(text, from: sender), for: everyoneElse, request, connection)
    }

    private func check(_ text: String, limit: Int) throws(WireError) {
        guard !text.isEmpty else { throw .invalidPayload("the field 'text' is empty") }
        guard text.utf8.count <= limit else { throw .textTooLong(bytes: text.utf8.count, limit: limit) }
    }

    private func message(_ text: String, from sender: Agent) -> ServerFrame.Message {
        let now = Timestamp.now()
        return ServerFrame.Message(
            id: messageIDs.next(at: now).description,
            from: sender.id.rawValue,
            fromName: sender.name?.rawValue ?? "",
            fromLabel: sender.label.rawValue,
            text: text,
            timestamp: now.iso8601
        )
    }

    private func accept(
        _ message: ServerFrame.Message,
        for recipients: [SessionID],
        _ request: ClientRequest,
        _ connection: Connection
    ) {
        connection.hold(bytes: message.text.utf8.count)
        journal.accept(
            AcceptedMessage(message: message, recipients: recipients, sender: connection, ref: request.ref)
        )
    }

    private func rename(_ agent: Agent, to text: String, ref: String?, _ connection: Connection) throws(WireError) {
        let name = try SessionName(validating: text)
        guard !registry.isTaken(name, byOtherThan: agent.id) else { throw handshake.taken(name) }
        let isNew = agent.name != name
        registry.rename(agent, to: name)
        connection.write(.renamed(sessionID: nil, name: name.rawValue, ref: ref))
        guard isNew else { return }
        logger.info("renamed: \(agent.id) '\(name)'")
        // A tool renamed its agent: the agent must hear of it as everybody does.
        let news = ServerFrame.renamed(sessionID: agent.id.rawValue, name: name.rawValue, ref: nil)
        announce(news, except: connection === agent.connection ? agent : nil)
    }

    private func announce(_ news: ServerFrame, except one: Agent?) {
        let frame = news.encode()
        for agent in registry.agents where agent !== one { agent.connection.write(encoded: frame) }
    }
}
