import InterSessionCore

/// Who is on the bus, and who was. It belongs to the server's one event loop and to nobody else.
final class Registry {
    private var byID: [SessionID: KnownSession] = [:]
    private var byName: [SessionName: KnownSession] = [:]
    private var byMailbox: [Int64: KnownSession] = [:]
    private var present: [Int64: Agent] = [:]
    private var lastMailbox: Int64
    /// Where the registry is kept; it is told of every change.
    var onChange: (MailStore.Owner) -> Void = { _ in }
    /// Told when what waits in one mailbox belongs to another from now on.
    var onMerge: (_ old: Int64, _ new: KnownSession) -> Void = { _, _ in }

    /// - Parameter owners: who was known before, of two with one name or id the newer one last.
    init(owners: [MailStore.Owner] = [], lastMailbox: Int64 = 0) {
        self.lastMailbox = lastMailbox
        for owner in owners {
            let session = KnownSession(owner)
            byID[session.id] = session
            if let name = session.name { byName[name] = session }
            byMailbox[session.mailbox] = session
        }
    }

    // MARK: Who is here

    var agents: some Collection<Agent> { present.values }
    var isEmpty: Bool { present.isEmpty }

    func agent(_ id: SessionID) -> Agent? { byID[id]?.agent }

    /// Whether the name belongs to a session that is here and is not `id`.
    func isTaken(_ name: SessionName, byOtherThan id: SessionID? = nil) -> Bool {
        byName[name].map { $0.agent != nil && $0.id != id } ?? false
    }

    // MARK: Who is known

    var sessions: some Collection<KnownSession> { byMailbox.values }

    subscript(id: SessionID) -> KnownSession? { byID[id] }
    subscript(name: SessionName) -> KnownSession? { byName[name] }
    subscript(mailbox mailbox: Int64) -> KnownSession? { byMailbox[mailbox] }

    // MARK: Coming and going

    /// Puts the agent on the bus, in the place of the one with the same session id.
    ///
    func join(_ introduction: HelloHandshake.Introduction, connection: Connection) -> Agent {
        let session = session(introduction.id, named: introduction.name)
        session.label = introduction.label
        session.workingDirectory = introduction.workingDirectory
        session.lastSeen = .now()
        let agent = Agent(introduction, as: session, connection: connection)
        session.agent = agent
        present[session.mailbox] = agent
        onChange(session.owner)
        return agent
    }

    func leave(_ agent: Agent) {
        guard agent.session.agent === agent else { return }
        agent.session.agent = nil
        agent.session.lastSeen = .now()
        present[agent.session.mailbox] = nil
        onChange(agent.session.owner)
    }

    func rename(_ agent: Agent, to name: SessionName) {
        give(name, to: agent.session)
        onChange(agent.session.owner)
    }

    /// Forgets sessions that are away.
    func forget(_ mailboxes: Set<Int64>) {
        for case let session? in mailboxes.map({ byMailbox[$0] }) where session.agent == nil {
            remove(session)
        }
    }

    /// Has everybody written down again, after what was written was lost.
    func saveAll() {
        for session in byMailbox.values { onChange(session.owner) }
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
        lastMailbox += 1
        let session = KnownSession(
            .init(
                mailbox: lastMailbox,
                sessionID: id,
                name: name,
                label: .none,
                workingDirectory: "",
                lastSeen: .now()
            )
        )
        byID[id] = session
        if let name { byName[name] = session }
        byMailbox[session.mailbox] = session
        return session
    }

    /// Gives the session a name that nobody here has. What waits for the name comes with it.
    private func give(_ name: SessionName, to session: KnownSession) {
        if let old = byName[name], old !== session {
            remove(old)
            onMerge(old.mailbox, session)
        }
        if let old = session.name { byName[old] = nil }
        session.name = name
        byName[name] = session
    }

    private func remove(_ session: KnownSession) {
        if byID[session.id] === session { byID[session.id] = nil }
        if let name = session.name, byName[name] === session { byName[name] = nil }
        byMailbox[session.mailbox] = nil
    }
}
