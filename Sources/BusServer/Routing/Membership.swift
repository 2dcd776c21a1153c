import InterSessionCore
import Logging

/// Who comes, goes and changes its name, and who is told of it. Belongs to the event loop.
final class Membership {
    /// What this server knows beyond the base protocol.
    private static let features: Features = [
        .receipts, .acks, .hold, .replies, .sessions, .notices, .history, .keys, .gateways,
    ]

    private let registry: Registry
    private let handshake: HelloHandshake
    private let acceptance: Acceptance
    private let delivery: Delivery
    private let logger: Logger
    /// Notices for whoever comes next and can read them.
    private var noticesForTheNext: [String] = []
    private let populationChanged: (_ isEmpty: Bool) -> Void

    /// - Parameter populationChanged: called whenever a session or a gateway has come or gone.
    init(
        registry: Registry,
        token: BearerToken,
        acceptance: Acceptance,
        delivery: Delivery,
        logger: Logger,
        populationChanged: @escaping (_ isEmpty: Bool) -> Void
    ) {
        self.registry = registry
        self.handshake = HelloHandshake(token: token, registry: registry)
        self.acceptance = acceptance
        self.delivery = delivery
        self.logger = logger
        self.populationChanged = populationChanged
    }

    // MARK: Coming

    /// Judges the hello, and lets the peer in.
    ///
    /// - Throws: ``WireError``, for the first rule that is broken.
    func welcome(_ hello: ClientFrame.Hello, on connection: any PeerOutlet) throws(WireError) {
        let admission = try handshake.judge(hello, isLocalUser: connection.isLocalUser)
        connection.features = hello.features.intersection(Self.features)
        switch admission {
        case .member(let introduction, let old): join(introduction, replacing: old, on: connection)
        case .control(let right):
            connection.peer = .control(right)
            greet(connection, forSession: right.session.id.rawValue)
        case .observer:
            connection.peer = .observer
            greet(connection, forSession: nil)
        }
    }

    private func greet(_ connection: any PeerOutlet, as peer: ConnectedPeer? = nil, forSession: String? = nil) {
        connection.write(
            .welcome(
                .init(
                    sessionID: (peer?.id ?? SessionID.random()).rawValue,
                    assignedName: peer?.name?.rawValue ?? "",
                    forSession: forSession,
                    features: connection.features.names
                )
            )
        )
    }

    private func join(
        _ introduction: Introduction,
        replacing old: ConnectedPeer?,
        on connection: any PeerOutlet
    ) {
        let oldName = old?.name
        let peer = registry.join(introduction, on: connection)
        connection.peer = .member(peer)
        greet(connection, as: peer)
        switch introduction.role {
        case .session: announce(peer, inPlaceOf: old, named: oldName)
        case .gateway(let agent, _):
            let transport = introduction.label.rawValue
            logger.info("gateway is up", metadata: ["agent": "\(agent)", "transport": "\(transport)"])
        }
        delivery.start(peer, printed: introduction.printed)
        if peer.known.owner.isSession, connection.features.contains(.notices) {
            for text in noticesForTheNext { acceptance.notify([peer.known], text) }
            noticesForTheNext = []
        }
        populationChanged(registry.isEmpty)
    }

    private func announce(_ peer: ConnectedPeer, inPlaceOf old: ConnectedPeer?, named oldName: SessionName?) {
        let name = peer.name?.rawValue ?? ""
        guard let old else {
            logger.info("joined", metadata: peer.metadata)
            return announce(.peerJoined(sessionID: peer.id.rawValue, name: name), except: peer)
        }
        logger.info("came again", metadata: peer.metadata)
        old.connection.close(.replaced)
        guard oldName != peer.name else { return }
        announce(.renamed(sessionID: peer.id.rawValue, name: name, ref: nil), except: peer)
    }

    // MARK: Going

    /// The connection of the peer has ended.
    func leave(_ peer: ConnectedPeer) {
        // Another connection may have taken its place.
        guard peer.known.connected === peer else { return }
        registry.leave(peer)
        switch peer.known.owner {
        case .session:
            logger.info("left", metadata: peer.metadata)
            announce(.peerLeft(sessionID: peer.id.rawValue), except: peer)
        case .gateway(let agent): logger.info("gateway left", metadata: ["agent": "\(agent)"])
        }
        populationChanged(registry.isEmpty)
    }

    /// A tool of the session tells it to leave the bus.
    func disconnect(_ session: ConnectedPeer, ref: String?, on connection: any PeerOutlet) {
        connection.write(.disconnected(ref: ref))
        logger.info("disconnected by request", metadata: session.metadata)
        session.connection.close(.gone, reason: "disconnected by request")
    }

    // MARK: Names

    /// - Throws: ``WireError/invalidName(_:)``, ``WireError/nameTaken(_:candidates:)``.
    func rename(
        _ session: ConnectedPeer,
        to text: String,
        ref: String?,
        _ connection: any PeerOutlet
    ) throws(WireError) {
        let name = try SessionName(validating: text)
        guard !registry.isTaken(name, byOtherThan: session.id) else { throw handshake.taken(name) }
        let isNew = session.name != name
        registry.rename(session, to: name)
        connection.write(.renamed(sessionID: nil, name: name.rawValue, ref: ref))
        guard isNew else { return }
        logger.info("renamed", metadata: session.metadata)
        // Where a tool renamed its session, the session must hear of it as everybody does.
        let news = ServerFrame.renamed(sessionID: session.id.rawValue, name: name.rawValue, ref: nil)
        announce(news, except: connection === session.connection ? session : nil)
    }

    // MARK: Notices

    private func announce(_ news: ServerFrame, except one: ConnectedPeer?) {
        let frame = news.encode()
        for peer in registry.connectedPeers where peer !== one { peer.connection.write(encoded: frame) }
    }

    /// Puts a notice into the mailbox of the next session that can read it.
    func notifyTheNext(_ text: String) {
        noticesForTheNext.append(text)
    }

    /// Puts a notice into the mailboxes of all sessions that are here.
    func notifyAll(_ text: String) {
        acceptance.notify(registry.connectedSessions.map(\.known), text)
    }
}
