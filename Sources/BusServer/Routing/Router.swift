import InterSessionCore
import Logging

/// What happens for each frame. It belongs to the server's one event loop, and everything it owns with it.
final class Router {
    /// What this server knows beyond the base protocol.
    private static let features: Features = [
        .receipts, .acks, .hold, .replies, .sessions, .notices, .history, .keys, .gateways,
    ]

    let registry: Registry
    private let handshake: HelloHandshake
    private let acceptance: Acceptance
    private let delivery: Delivery
    private let lookup: Lookup
    private let messages: MessageRouter
    private let gateways: GatewayRouter
    private let clock: BusClock
    private let logger: Logger
    /// The server ends without its clients' consent: nothing is accepted any more.
    private var isLeaving = false
    private var refusals = RefusalLog()
    /// Word for whoever comes next and can read it.
    private var newsForTheNext: [String] = []
    /// Told whenever an agent has come or gone.
    var onPopulationChange: () -> Void = {}

    init(
        registry: Registry,
        token: BearerToken,
        acceptance: Acceptance,
        delivery: Delivery,
        lookup: Lookup,
        gateways: GatewayRouter,
        clock: BusClock,
        logger: Logger
    ) {
        self.registry = registry
        self.handshake = HelloHandshake(token: token, registry: registry)
        self.acceptance = acceptance
        self.delivery = delivery
        self.lookup = lookup
        self.messages = MessageRouter(registry: registry, acceptance: acceptance, delivery: delivery, clock: clock)
        self.gateways = gateways
        self.clock = clock
        self.logger = logger
    }

    /// Does what the frame asks, and answers on the connection.
    ///
    /// - Throws: ``WireError``, which the connection tells its peer.
    func route(_ request: ClientRequest, from connection: Connection) throws(WireError) {
        guard !isLeaving else {
            // What is not answered was not accepted: its sender says it again to the next server.
            connection.close(.goingAway)
            return
        }
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
                let gateways = registry.gatewaySummaries(on: connection, isOnline: true)
                connection.write(.listing(listing(), gateways: gateways, ref: request.ref))
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
            if let name = agent.session.gateway {
                logger.info("gateway left", metadata: ["agent": "\(name)"])
            } else {
                logger.info("left", metadata: agent.metadata)
                announce(.peerLeft(sessionID: agent.id.rawValue), except: agent)
            }
            onPopulationChange()
        }
    }

    func refusedHello(_ error: WireError) {
        if let line = refusals.line(for: error, at: clock.instant()) { logger.warning("\(line)") }
    }

    /// The socket takes more.
    func connectionDrained(_ connection: Connection) {
        if case .agent(let agent) = connection.peer { delivery.catchUp(agent) }
    }

    /// Tells the next agent that can read it.
    func tellTheNext(_ text: String) {
        newsForTheNext.append(text)
    }

    /// Puts word of the bus into the mailboxes of all sessions that are here.
    func tellAll(_ text: String) {
        acceptance.notify(registry.members.map(\.session), text)
    }

    /// Accepts nothing from now on.
    func stopAccepting() {
        isLeaving = true
    }

    func log(_ error: String) {
        logger.error("\(error)")
    }

    private func route(_ request: ClientRequest, of sender: Agent, from connection: Connection) throws(WireError) {
        if case .ack(let ids) = request.frame {
            try require(.acks, on: connection)
            return delivery.acknowledge(ids.compactMap { MessageID($0) }, by: sender, on: connection)
        }
        sender.lastActive = clock.instant()
        if sender.session.gateway != nil { return try routeOfGateway(request, sender, connection) }
        switch request.frame {
        case .send(let target, let message):
            try messages.send(message, to: target, of: sender, ref: request.ref, connection)
        case .broadcast(let message): try messages.broadcast(message, of: sender, ref: request.ref, connection)
        case .rename(let name): try rename(sender, to: name, ref: request.ref, connection)
        case .disconnect:
            try require(.sessions, on: connection)
            connection.whenSettled { [self] connection in
                connection.write(.disconnected(ref: request.ref))
                logger.info("disconnected by request", metadata: sender.metadata)
                sender.connection.close(.gone, reason: "disconnected by request")
            }
        default: throw .unauthorized("only a gateway may do this")
        }
    }

    /// A gateway is no session: it hands in what comes from outside, and writes to the outside in its own name.
    private func routeOfGateway(
        _ request: ClientRequest,
        _ gateway: Agent,
        _ connection: Connection
    ) throws(WireError) {
        switch request.frame {
        case .send(let target, let message) where target.contains("@"):
            try messages.send(message, to: target, of: gateway, ref: request.ref, connection)
        case .deliver(let mail): try gateways.deliver(mail, by: gateway, ref: request.ref, connection)
        case .agents(let names): try gateways.setAgents(names, of: gateway)
        case .giveBack(let id, let reason): try gateways.giveBack(id, because: reason, by: gateway)
        default: throw .unauthorized("a gateway is no session; it can deliver, return, and send to label@agent")
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
        case .gateway(let introduction):
            let gateway = registry.join(introduction, connection: connection)
            connection.peer = .agent(gateway)
            connection.write(
                .welcome(.init(sessionID: gateway.id.rawValue, assignedName: "", features: connection.features.names))
            )
            logger.info(
                "gateway is up",
                metadata: ["agent": "\(introduction.agent)", "transport": "\(introduction.label.rawValue)"]
            )
            delivery.start(gateway, printed: [])
            onPopulationChange()
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
            logger.info("came again", metadata: agent.metadata)
            old.connection.close(.replaced)
            if oldName != agent.name {
                announce(.renamed(sessionID: agent.id.rawValue, name: name, ref: nil), except: agent)
            }
        } else {
            logger.info("joined", metadata: agent.metadata)
            announce(.peerJoined(sessionID: agent.id.rawValue, name: name), except: agent)
        }
        delivery.start(agent, printed: introduction.printed)
        if connection.features.contains(.notices) {
            for text in newsForTheNext { acceptance.notify([agent.session], text) }
            newsForTheNext = []
        }
        onPopulationChange()
    }

    private func listing() -> [ServerFrame.SessionSummary] {
        registry.members.map(\.session.summary).sorted { ($0.name, $0.sessionID) < ($1.name, $1.sessionID) }
    }

    // MARK: Names

    private func rename(_ agent: Agent, to text: String, ref: String?, _ connection: Connection) throws(WireError) {
        let name = try SessionName(validating: text)
        guard !registry.isTaken(name, byOtherThan: agent.id) else { throw handshake.taken(name) }
        let isNew = agent.name != name
        registry.rename(agent, to: name)
        connection.write(.renamed(sessionID: nil, name: name.rawValue, ref: ref))
        guard isNew else { return }
        logger.info("renamed", metadata: agent.metadata)
        // A tool renamed its agent: the agent must hear of it as everybody does.
        let news = ServerFrame.renamed(sessionID: agent.id.rawValue, name: name.rawValue, ref: nil)
        announce(news, except: connection === agent.connection ? agent : nil)
    }

    private func announce(_ news: ServerFrame, except one: Agent?) {
        let frame = news.encode()
        for agent in registry.agents where agent !== one { agent.connection.write(encoded: frame) }
    }
}

extension Agent {
    /// Who it is, for server.log.
    var metadata: Logger.Metadata {
        ["session": "\(id)", "name": "\(name?.rawValue ?? "")"]
    }
}
