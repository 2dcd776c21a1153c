import InterSessionCore

/// Who is on the bus. It belongs to the server's one event loop and to nobody else.
final class Registry {
    private var byID: [SessionID: Agent] = [:]
    private var byName: [SessionName: Agent] = [:]

    var agents: some Collection<Agent> { byID.values }
    var isEmpty: Bool { byID.isEmpty }

    subscript(id: SessionID) -> Agent? { byID[id] }
    subscript(name: SessionName) -> Agent? { byName[name] }

    /// Whether the name belongs to a session other than `id`.
    func isTaken(_ name: SessionName, byOtherThan id: SessionID) -> Bool {
        byName[name].map { $0.id != id } ?? false
    }

    /// Adds the agent, in the place of the one with the same session id.
    func add(_ agent: Agent) {
        if let old = byID[agent.id] { remove(old) }
        byID[agent.id] = agent
        if let name = agent.name { byName[name] = agent }
    }

    func remove(_ agent: Agent) {
        guard byID[agent.id] === agent else { return }
        byID[agent.id] = nil
        if let name = agent.name { byName[name] = nil }
    }

    func rename(_ agent: Agent, to name: SessionName) {
        if let old = agent.name { byName[old] = nil }
        agent.name = name
        byName[name] = agent
    }
}
