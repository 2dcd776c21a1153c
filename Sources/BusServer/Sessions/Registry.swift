import InterSessionCore

/// Keeps the mailboxes of those that the registry knows.
protocol MailboxKeeper: AnyObject {
    /// The owner is new or has changed, and must be stored.
    func save(_ owner: KnownPeer)
    /// What waits in the old mailbox belongs to the heir from now on.
    func merge(_ old: KnownPeer, into heir: KnownPeer)
}

/// Who is on the bus, and who was. It belongs to the server's one event loop and to nobody else.
final class Registry {
    private var byID: [SessionID: KnownPeer] = [:]
    private var byName: [SessionName: KnownPeer] = [:]
    private var byAgent: [AgentName: KnownPeer] = [:]
    private var byMailbox: [Int64: KnownPeer] = [:]
    /// By the id of the session whose name they took.
    private var heirs: [SessionID: KnownPeer] = [:]
    private var present: [Int64: ConnectedPeer] = [:]
    private var lastMailbox: Int64
    private let keeper: any MailboxKeeper
    private let clock: BusClock

    /// - Parameters:
    ///   - records: who was known before, of two with one name or id the newer one last.
    ///   - lastMailbox: the highest number that a mailbox ever had.
    init(records: [MailboxRecord], lastMailbox: Int64, keeper: any MailboxKeeper, clock: BusClock) {
        self.lastMailbox = lastMailbox
        self.keeper = keeper
        self.clock = clock
        for record in records { index(KnownPeer(record)) }
    }

    // MARK: Who is here

    /// Sessions and gateways.
    var connectedPeers: some Collection<ConnectedPeer> { present.values }
    /// The sessions among them.
    var connectedSessions: some Sequence<ConnectedPeer> { present.values.lazy.filter { $0.known.owner.isSession } }
    var isEmpty: Bool { present.isEmpty }

    /// Whether the name belongs to a session that is here and is not `id`.
    func isTaken(_ name: SessionName, byOtherThan id: SessionID? = nil) -> Bool {
        byName[name].map { $0.connected != nil && $0.id != id } ?? false
    }

    // MARK: Who is known

    var sessions: some Sequence<KnownPeer> { byMailbox.values.lazy.filter { $0.owner.isSession } }
    var gateways: some Collection<KnownPeer> { byAgent.values }

    subscript(id: SessionID) -> KnownPeer? { byID[id] }
    subscript(gateway agent: AgentName) -> KnownPeer? { byAgent[agent] }
    subscript(mailbox mailbox: Int64) -> KnownPeer? { byMailbox[mailbox] }

    /// Who has what waited for the session of that id, which has lost its name and is not known any more.
    func heir(of id: SessionID) -> KnownPeer? {
        heirs[id]?.currentOwner
    }

    /// The session of that id or, where there is none, of that name.
    ///
    /// An id goes before a name, whoever of them is here: else a session could take the id of another for its name, and
    /// get the other's mail while that is away.
    func session(called target: String) -> KnownPeer? {
        SessionID(rawValue: target).flatMap { byID[$0] } ?? SessionName(rawValue: target).flatMap { byName[$0] }
    }

    /// The gateways, for a peer that knows what they are.
    ///
    /// - Parameter isOnline: only those that are here; nil is all.
    func gatewaySummaries(for features: Features, isOnline: Bool?) -> [ServerFrame.GatewaySummary] {
        guard features.contains(.gateways) else { return [] }
        return gateways.compactMap(\.gatewaySummary).filter { isOnline == nil || $0.isOnline == isOnline }
            .sorted { $0.agent < $1.agent }
    }

    // MARK: Coming and going

    /// Puts the peer on the bus, in the place of the one with the same session id.
    func join(_ introduction: Introduction, on connection: any PeerOutlet) -> ConnectedPeer {
        let known: KnownPeer
        switch introduction.role {
        case .session(let id, let name, let workingDirectory, _):
            known = session(id, named: name)
            known.workingDirectory = workingDirectory
        case .gateway(let agent, _):
            known = byAgent[agent] ?? add(.random(), named: nil, owner: .gateway(agent))
        }
        known.label = introduction.label
        known.lastSeen = clock.now()
        let peer = ConnectedPeer(introduction, as: known, on: connection, clock: clock)
        known.connected = peer
        present[known.mailbox] = peer
        keeper.save(known)
        return peer
    }

    /// Who is known through the gateway from now on.
    func setAgents(_ agents: [AgentName], of gateway: KnownPeer) {
        guard gateway.agents != agents else { return }
        gateway.agents = agents
        keeper.save(gateway)
    }

    func leave(_ peer: ConnectedPeer) {
        guard peer.known.connected === peer else { return }
        peer.known.connected = nil
        peer.known.lastSeen = clock.now()
        present[peer.known.mailbox] = nil
        keeper.save(peer.known)
    }

    func rename(_ peer: ConnectedPeer, to name: SessionName) {
        give(name, to: peer.known)
        keeper.save(peer.known)
    }

    /// Forgets those of the sessions that were away, and got no mail, since that moment. From now on nobody can address
    /// them, so nothing can come into their mailboxes.
    ///
    /// - Returns: the mailboxes of those that are forgotten.
    func forget(_ mailboxes: Set<Int64>, unusedSince moment: Timestamp) -> Set<Int64> {
        let unused = mailboxes.compactMap { byMailbox[$0] }.filter { !$0.wasUsed(since: moment) }
        for known in unused { remove(known) }
        if !unused.isEmpty { heirs = heirs.filter { $0.value.currentOwner.isKnown } }
        return Set(unused.map(\.mailbox))
    }

    /// Has everybody stored again, after what was stored was lost.
    func saveAll() {
        for known in byMailbox.values { keeper.save(known) }
    }

    /// Has it stored that those who are here were here now: a server that is killed cannot say so.
    func saveConnected() {
        for peer in present.values {
            peer.known.lastSeen = clock.now()
            keeper.save(peer.known)
        }
    }

    /// The session of that id, else the one that was away under that name, else a new one.
    private func session(_ id: SessionID, named name: SessionName?) -> KnownPeer {
        if let known = byID[id] {
            if let name, known.name != name { give(name, to: known) }
            return known
        }
        if let name, let known = byName[name] {
            byID[known.id] = nil
            known.id = id
            byID[id] = known
            return known
        }
        return add(id, named: name, owner: .session)
    }

    private func add(_ id: SessionID, named name: SessionName?, owner: MailboxOwner) -> KnownPeer {
        lastMailbox += 1
        let known = KnownPeer(
            MailboxRecord(
                mailbox: lastMailbox,
                owner: owner,
                sessionID: id,
                name: name,
                label: .none,
                workingDirectory: "",
                lastSeen: clock.now()
            )
        )
        index(known)
        return known
    }

    private func index(_ known: KnownPeer) {
        switch known.owner {
        case .session:
            byID[known.id] = known
            if let name = known.name { byName[name] = known }
        case .gateway(let agent):
            // It has an id, too, and is found by its agent alone: nobody can come in its place.
            byAgent[agent] = known
        }
        byMailbox[known.mailbox] = known
    }

    /// Gives the session a name that nobody here has. What waits for the name comes with it.
    private func give(_ name: SessionName, to session: KnownPeer) {
        if let old = byName[name], old !== session {
            remove(old)
            old.heir = session
            if old.id != session.id { heirs[old.id] = session }
            keeper.merge(old, into: session)
        }
        if let old = session.name { byName[old] = nil }
        session.name = name
        byName[name] = session
    }

    private func remove(_ known: KnownPeer) {
        if byID[known.id] === known { byID[known.id] = nil }
        if let name = known.name, byName[name] === known { byName[name] = nil }
        if let agent = known.owner.gatewayAgent { byAgent[agent] = nil }
        byMailbox[known.mailbox] = nil
        known.isKnown = false
    }
}
