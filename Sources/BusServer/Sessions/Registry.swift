import InterSessionCore

/// Who is on the bus, and who was. It belongs to the server's one event loop and to nobody else.
final class Registry {
    private var byID: [SessionID: KnownSession] = [:]
    private var byName: [SessionName: KnownSession] = [:]
    private var byAgent: [AgentName: KnownSession] = [:]
    private var byMailbox: [Int64: KnownSession] = [:]
    private var present: [Int64: Agent] = [:]
    private var lastMailbox: Int64
    private let clock: BusClock
    /// Told of every session that changed and must be stored.
    var onChange: (KnownSession) -> Void = { _ in }
    /// Told when what waits in one mailbox belongs to another from now on.
    var onMerge: (_ old: KnownSession, _ heir: KnownSession) -> Void = { _, _ in }

    /// - Parameter owners: who was known before, of two with one name or id the newer one last.
    init(owners: [MailStore.Owner] = [], lastMailbox: Int64 = 0, clock: BusClock = .system) {
        self.lastMailbox = lastMailbox
        self.clock = clock
        for owner in owners {
            index(KnownSession(owner))
        }
    }

    // MARK: Who is here

    /// Sessions and gateways.
    var agents: some Collection<Agent> { present.values }
    /// The sessions among them.
    var members: some Sequence<Agent> { present.values.lazy.filter { $0.session.gateway == nil } }
    var isEmpty: Bool { present.isEmpty }

    func agent(_ id: SessionID) -> Agent? { byID[id]?.agent }

    /// Whether the name belongs to a session that is here and is not `id`.
    func isTaken(_ name: SessionName, byOtherThan id: SessionID? = nil) -> Bool {
        byName[name].map { $0.agent != nil && $0.id != id } ?? false
    }

    // MARK: Who is known

    var sessions: some Sequence<KnownSession> { byMailbox.values.lazy.filter { $0.gateway == nil } }
    var gateways: some Collection<KnownSession> { byAgent.values }

    subscript(id: SessionID) -> KnownSession? { byID[id] }
    subscript(gateway agent: AgentName) -> KnownSession? { byAgent[agent] }
    subscript(name: SessionName) -> KnownSession? { byName[name] }
    subscript(mailbox mailbox: Int64) -> KnownSession? { byMailbox[mailbox] }

    /// The gateways, for a connection that knows what they are.
    ///
    /// - Parameter isOnline: only those that are here; nil is all.
    func gatewaySummaries(on connection: Connection, isOnline: Bool?) -> [ServerFrame.GatewaySummary] {
        guard connection.features.contains(.gateways) else { return [] }
        return gateways.compactMap(\.gatewaySummary).filter { isOnline == nil || $0.isOnline == isOnline }
            .sorted { $0.agent < $1.agent }
    }

    // MARK: Coming and going

    /// Puts the agent on the bus, in the place of the one with the same session id.
    func join(_ introduction: HelloHandshake.Introduction, connection: Connection) -> Agent {
        let session = session(introduction.id, named: introduction.name)
        session.label = introduction.label
        session.workingDirectory = introduction.workingDirectory
        session.lastSeen = clock.now()
        let agent = Agent(introduction, as: session, connection: connection, clock: clock)
        session.agent = agent
        present[session.mailbox] = agent
        onChange(session)
        return agent
    }

    func join(_ introduction: HelloHandshake.GatewayIntroduction, connection: Connection) -> Agent {
        let session = byAgent[introduction.agent] ?? add(.random(), named: nil, gateway: introduction.agent)
        session.label = introduction.label
        session.lastSeen = clock.now()
        let agent = Agent(introduction, as: session, connection: connection, clock: clock)
        session.agent = agent
        present[session.mailbox] = agent
        onChange(session)
        return agent
    }

    /// Who is known through the gateway from now on.
    func setAgents(_ agents: [AgentName], of gateway: KnownSession) {
        guard gateway.agents != agents else { return }
        gateway.agents = agents
        onChange(gateway)
    }

    func leave(_ agent: Agent) {
        guard agent.session.agent === agent else { return }
        agent.session.agent = nil
        agent.session.lastSeen = clock.now()
        present[agent.session.mailbox] = nil
        onChange(agent.session)
    }

    func rename(_ agent: Agent, to name: SessionName) {
        give(name, to: agent.session)
        onChange(agent.session)
    }

    /// Forgets those of the sessions that were away, and got no mail, since that moment. From now on nobody can address
    /// them, so nothing can come into their mailboxes.
    ///
    /// - Returns: the mailboxes of those that are forgotten.
    func forget(_ mailboxes: Set<Int64>, unusedSince moment: Timestamp) -> Set<Int64> {
        let unused = mailboxes.compactMap { byMailbox[$0] }.filter { !$0.wasUsed(since: moment) }
        for session in unused { remove(session) }
        return Set(unused.map(\.mailbox))
    }

    /// Has everybody stored again, after what was stored was lost.
    func saveAll() {
        for session in byMailbox.values { onChange(session) }
    }

    /// Has it stored that those who are here were here now: a server that is killed cannot say so.
    func saveWhoIsHere() {
        for agent in present.values {
            agent.session.lastSeen = clock.now()
            onChange(agent.session)
        }
    }

    /// The session of that id, else the one that was away under that name, else a new one.
    private func session(_ id: SessionID, named name: SessionName?) -> KnownSession {
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
        return add(id, named: name, gateway: nil)
    }

    private func add(_ id: SessionID, named name: SessionName?, gateway: AgentName?) -> KnownSession {
        lastMailbox += 1
        let session = KnownSession(
            .init(
                mailbox: lastMailbox,
                sessionID: id,
                name: name,
                label: .none,
                workingDirectory: "",
                lastSeen: clock.now(),
                gateway: gateway
            )
        )
        index(session)
        return session
    }

    /// A gateway has an id, too, and is found by its agent alone: nobody can come in its place.
    private func index(_ session: KnownSession) {
        if let agent = session.gateway {
            byAgent[agent] = session
        } else {
            byID[session.id] = session
            if let name = session.name { byName[name] = session }
        }
        byMailbox[session.mailbox] = session
    }

    /// Gives the session a name that nobody here has. What waits for the name comes with it.
    private func give(_ name: SessionName, to session: KnownSession) {
        if let old = byName[name], old !== session {
            remove(old)
            old.heir = session
            onMerge(old, session)
        }
        if let old = session.name { byName[old] = nil }
        session.name = name
        byName[name] = session
    }

    private func remove(_ session: KnownSession) {
        if byID[session.id] === session { byID[session.id] = nil }
        if let name = session.name, byName[name] === session { byName[name] = nil }
        if let agent = session.gateway { byAgent[agent] = nil }
        byMailbox[session.mailbox] = nil
        session.isKnown = false
    }
}
