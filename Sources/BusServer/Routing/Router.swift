import InterSessionCore
import Logging

/// What happens for each frame. It belongs to the server's one event loop, and everything it owns with it.
final class Router {
    /// What this server knows beyond the base protocol.
    private static let features: Features = [.receipts, .acks, .hold, .replies, .sessions, .notices, .history]

    let registry: Registry
    private let handshake: HelloHandshake
    private let journal: Journal
    private let delivery: Delivery
    private let lookup: Lookup
    private let logger: Logger
    private var messageIDs: MessageID.Sequence
    private var broadcasts = RateLimiter<SessionID>(
        most: WireLimits.broadcasts,
        window: WireLimits.broadcastWindow,
        of: "broadcasts"
    )
    private var loops: LoopGuard
    /// Word for whoever comes next and can read it.
    private var newsForTheNext: [String] = []
    /// Told whenever an agent has come or gone.
    var onPopulationChange: () -> Void = {}

    init(
        registry: Registry,
        token: BearerToken,
        journal: Journal,
        delivery: Delivery,
        lookup: Lookup,
        loops: LoopGuard,
        lastMessageID: MessageID?,
        logger: Logger
    ) {
        self.registry = registry
        self.handshake = HelloHandshake(token: token, registry: registry)
        self.journal = journal
        self.delivery = delivery
        self.lookup = lookup
        self.loops = loops
        self.logger = logger
        messageIDs = MessageID.Sequence(after: lastMessageID)
    }

    /// Does what the frame asks, and answers on the connection.
    ///
    /// - Throws: ``WireError``, which the connection tells its peer.
    func route(_ request: ClientRequest, from connection: Connection) throws(WireError) {
        if case .hello(let hello) = request.frame {
            guard case .awaitingHello = connection.peer else { throw .unknownOp("hello was said already") }
            return try welcome(hello, on: connection)
        }
        let agent = try agent(behind: connection)
        switch request.frame {
        case .ping: connection.whenSettled { $0.write(.pong(ref: request.ref)) }
        case .bye: connection.whenSettled { $0.close(.normal) }
        case .list(let all):
            if all, connection.features.contains(.sessions) {
                lookup.listAll(ref: request.ref, on: connection)
            } else {
                connection.write(.listing(listing(), ref: request.ref))
            }
        case .show(let id):
            try require(.history, on: connection)
            try lookup.show(id, ref: request.ref, on: connection)
        case .log(let query):
            try require(.history, on: connection)
            try lookup.log(query, ref: request.ref, on: connection)
        default:
            guard let agent else { throw .unauthorized("an observer can only look") }
            try route(request, of: agent, from: connection)
        }
    }

    /// The peer has gone; what it was on the bus goes with it.
    func connectionClosed(_ connection: Connection) {
        switch connection.peer {
        case .awaitingHello, .observer: break
        case .control(let right): delivery.connectionClosed(connection, of: right.session)
        case .agent(let agent):
            delivery.connectionClosed(connection, of: agent.session)
            guard agent.session.agent === agent else { return }
            registry.leave(agent)
            logger.info("left: \(agent.id) '\(agent.name?.rawValue ?? "")'")
            announce(.peerLeft(sessionID: agent.id.rawValue), except: agent)
            onPopulationChange()
        }
    }

    /// The socket takes more.
    func connectionDrained(_ connection: Connection) {
        if case .agent(let agent) = connection.peer { delivery.catchUp(agent) }
    }

    /// Tells the next agent that can read it.
    func tellTheNext(_ text: String) {
        newsForTheNext.append(text)
    }

    private func route(_ request: ClientRequest, of sender: Agent, from connection: Connection) throws(WireError) {
        if case .ack(let ids) = request.frame {
            try require(.acks, on: connection)
            return delivery.acknowledge(ids.compactMap { MessageID($0) }, by: sender, on: connection)
        }
        sender.lastActive = .now()
        switch request.frame {
        case .send(let target, let message):
            try send(understood(message, on: connection), to: target, of: sender, request.ref, connection)
        case .broadcast(let message):
            try broadcast(understood(message, on: connection), of: sender, request.ref, connection)
        case .rename(let name): try rename(sender, to: name, ref: request.ref, connection)
        case .disconnect:
            try require(.sessions, on: connection)
            connection.whenSettled { [self] connection in
                connection.write(.disconnected(ref: request.ref))
                logger.info("disconnected by request: \(sender.id) '\(sender.name?.rawValue ?? "")'")
                sender.connection.close(.gone, reason: "disconnected by request")
            }
        default: break
        }
    }

    /// The agent that the connection is, or acts for; nil for an observer.
    private func agent(behind connection: Connection) throws(WireError) -> Agent? {
        switch connection.peer {
        case .awaitingHello: throw .unauthorized("the first frame must be hello")
        case .observer: return nil
        case .agent(let agent): return agent
        case .control(let right):
            guard let agent = right.agent else {
                throw .unauthorized("the session that this connection acted for has left")
            }
            return agent
        }
    }

    private func require(_ feature: Features, on connection: Connection) throws(WireError) {
        guard connection.features.contains(feature) else {
            throw .unknownOp("this op needs the feature '\(feature.names.joined())' in hello")
        }
    }

    // MARK: Coming

    private func welcome(_ hello: ClientFrame.Hello, on connection: Connection) throws(WireError) {
        let admission = try handshake.judge(hello, isLocalUser: connection.isLocalUser)
        connection.features = hello.features.intersection(Self.features)
        switch admission {
        case .agent(let introduction, let old):
            join(introduction, replacing: old, on: connection)
        case .control(let right):
            connection.peer = .control(right)
            greet(connection, forSession: right.session.id.rawValue)
        case .observer:
            connection.peer = .observer
            greet(connection, forSession: nil)
        }
    }

    private func greet(_ connection: Connection, forSession: String?) {
        connection.write(
            .welcome(
                .init(
                    sessionID: SessionID.random().rawValue,
                    assignedName: "",
                    forSession: forSession,
                    features: connection.features.names
                )
            )
        )
    }

    private func join(_ introduction: HelloHandshake.Introduction, replacing old: Agent?, on connection: Connection) {
        let oldName = old?.name
        let agent = registry.join(introduction, connection: connection)
        connection.peer = .agent(agent)
        let name = agent.name?.rawValue ?? ""
        connection.write(
            .welcome(.init(sessionID: agent.id.rawValue, assignedName: name, features: connection.features.names))
        )
        if let old {
            logger.info("came again: \(agent.id) '\(name)'")
            old.connection.close(.replaced)
            if oldName != agent.name {
                announce(.renamed(sessionID: agent.id.rawValue, name: name, ref: nil), except: agent)
            }
        } else {
            logger.info("joined: \(agent.id) '\(name)'")
            announce(.peerJoined(sessionID: agent.id.rawValue, name: name), except: agent)
        }
        delivery.start(agent, printed: introduction.printed)
        if connection.features.contains(.notices) {
            for text in newsForTheNext { notify([agent.session], text) }
            newsForTheNext = []
        }
        onPopulationChange()
    }

    private func listing() -> [ServerFrame.SessionSummary] {
        registry.agents.map(\.session.summary).sorted { ($0.name, $0.sessionID) < ($1.name, $1.sessionID) }
    }

    // MARK: Messages

    private func send(
        _ message: ClientFrame.Outgoing,
        to target: String,
        of sender: Agent,
        _ ref: String?,
        _ connection: Connection
    ) throws(WireError) {
        try check(message.text, limit: WireLimits.directText)
        let resolver = AddressResolver(
            registry: registry,
            sender: sender.session,
            mayHold: connection.features.contains(.hold)
        )
        let recipient = try resolver.resolve(target)
        let depth = try admit(message, from: sender.session, to: recipient)
        let id = messageIDs.next(at: .now())
        var frame = frame(id, message, from: sender)
        frame.to = recipient.address
        frame.toSessionID = recipient.id.rawValue
        if message.awaitsAnswer {
            delivery.awaitAnswer(to: id, on: connection, from: recipient, for: sender.session)
        }
        loops.remember(id, depth)
        var origin = AcceptedMail.Origin(connection: connection, ref: ref)
        origin.receiptWithin = message.receiptWithin.map { .milliseconds(min(max(0, $0), WireLimits.longestReceipt)) }
        accept(AcceptedMail(id: id, content: .message(frame), depth: depth, recipients: [recipient], origin: origin))
    }

    private func broadcast(
        _ message: ClientFrame.Outgoing,
        of sender: Agent,
        _ ref: String?,
        _ connection: Connection
    ) throws(WireError) {
        try check(message.text, limit: WireLimits.broadcastText)
        let depth = try loops.depth(of: message)
        try broadcasts.admit(sender.id, at: .now)
        let id = messageIDs.next(at: .now())
        loops.remember(id, depth)
        accept(
            AcceptedMail(
                id: id,
                content: .message(frame(id, message, from: sender)),
                depth: depth,
                recipients: registry.agents.filter { $0 !== sender }.map(\.session),
                origin: .init(connection: connection, ref: ref)
            )
        )
    }

    private func check(_ text: String, limit: Int) throws(WireError) {
        guard !text.isEmpty else { throw .invalidPayload("the field 'text' is empty") }
        guard text.utf8.count <= limit else { throw .textTooLong(bytes: text.utf8.count, limit: limit) }
    }

    /// The message without what its sender has not said that it knows of.
    private func understood(_ message: ClientFrame.Outgoing, on connection: Connection) -> ClientFrame.Outgoing {
        guard !connection.features.contains(.replies) else { return message }
        var message = message
        message.inReplyTo = nil
        message.isAutomatic = false
        message.awaitsAnswer = false
        return message
    }

    private func frame(
        _ id: MessageID,
        _ outgoing: ClientFrame.Outgoing,
        from sender: Agent
    ) -> ServerFrame.Message {
        var message = ServerFrame.Message(
            id: id.description,
            from: sender.id.rawValue,
            fromName: sender.name?.rawValue ?? "",
            fromLabel: sender.session.label.rawValue,
            text: outgoing.text,
            timestamp: id.time.iso8601
        )
        message.inReplyTo = outgoing.inReplyTo
        message.isAutomatic = outgoing.isAutomatic
        return message
    }

    private func accept(_ mail: AcceptedMail) {
        mail.origin?.connection.hold(bytes: mail.content.bytes)
        journal.accept(mail)
    }

    // MARK: Loops

    /// Lets a direct message pass, or tells both sessions that they were stopped.
    private func admit(
        _ message: ClientFrame.Outgoing,
        from sender: KnownSession,
        to recipient: KnownSession
    ) throws(WireError) -> Int {
        let pair = LoopGuard.Pair(sender, recipient)
        do throws(WireError) {
            let depth = try loops.depth(of: message)
            try loops.admit(pair, at: .now)
            return depth
        } catch {
            if loops.mayNotify(pair, at: .now) {
                let names = "'\(sender.address)' and '\(recipient.address)'"
                notify([sender, recipient], "messages between \(names) were stopped: \(error.code): \(error.message)")
            }
            throw error
        }
    }

    /// Puts word of the bus itself into mailboxes.
    private func notify(_ sessions: [KnownSession], _ text: String) {
        let id = messageIDs.next(at: .now())
        logger.notice("\(text)")
        let notice = ServerFrame.Notice(id: id.description, timestamp: id.time.iso8601, text: text)
        accept(AcceptedMail(id: id, content: .notice(notice), recipients: sessions))
    }

    // MARK: Names

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
