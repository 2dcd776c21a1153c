import InterSessionCore

/// Who is meant by `to` (docs/PROTOCOL.md, "Addresses").
struct AddressResolver {
    /// A prefix of a session id must be this long to mean one: shorter ones are hit by chance.
    static let shortestIDPrefix = 4

    enum Destination {
        case session(KnownPeer)
        case outside(OutsideAddress, gateway: KnownPeer)
    }

    let registry: Registry
    let sender: KnownPeer
    /// Whether a session that is away may be meant.
    let mayHold: Bool

    /// Exact id or name, be the session here or away; then an agent that a gateway knows; then a unique prefix of the
    /// sessions here; then of those away.
    ///
    /// - Throws: ``WireError/unknownPeer(_:nearest:)`` for nobody and for oneself, ``WireError/ambiguous(_:matches:)``.
    func resolve(_ target: String) throws(WireError) -> Destination {
        guard !target.isEmpty else { throw .unknownPeer("the field 'to' is empty; name a session") }
        if target.utf8.contains(UInt8(ascii: "@")) { return try outside(target) }
        if let exact = registry.session(called: target) { return .session(try reachable(exact, target)) }
        if let agent = AgentName(rawValue: target), isKnown(agent) {
            return try beyond(.init(label: nil, agent: agent))
        }
        // A prefix that a sender shares with others means one of the others.
        let others = registry.sessions.filter { $0 !== sender }
        if let one = try unique(target, among: others.filter { $0.connected != nil }) { return .session(one) }
        if mayHold, let one = try unique(target, among: others.filter { $0.connected == nil }) { return .session(one) }
        throw .unknownPeer(
            "no session is called '\(target.prefix(64))'; see list for who is here",
            nearest: NearestNames.to(
                target,
                among: others.compactMap { $0.name?.rawValue } + registry.gateways.flatMap(\.agents).map(\.rawValue)
            )
        )
    }

    private func reachable(_ session: KnownPeer, _ target: String) throws(WireError) -> KnownPeer {
        guard session !== sender else { throw .unknownPeer("'\(target)' is this session itself") }
        // A name that is known means its session, even when another one here begins with it.
        guard session.connected != nil || mayHold else {
            throw .unknownPeer("'\(target)' is offline since \(session.lastSeen.iso8601)")
        }
        return session
    }

    private func unique(_ target: String, among sessions: [KnownPeer]) throws(WireError) -> KnownPeer? {
        if let one = try only(sessions.filter { $0.name?.rawValue.hasPrefix(target) ?? false }, target) { return one }
        guard target.utf8.count >= Self.shortestIDPrefix else { return nil }
        return try only(sessions.filter { $0.id.rawValue.hasPrefix(target) }, target)
    }

    private func only(_ matches: [KnownPeer], _ target: String) throws(WireError) -> KnownPeer? {
        guard matches.count > 1 else { return matches.first }
        throw .ambiguous(target, matches: matches.map(\.address).sorted())
    }

    // MARK: Agents

    private func outside(_ target: String) throws(WireError) -> Destination {
        guard target != OutsideAddress.unknownSender else {
            throw .unknownPeer("'\(target)' stands for a sender who did not say who it is; it cannot be answered")
        }
        guard let address = OutsideAddress(target) else {
            throw .unknownPeer(
                "'\(target.prefix(100))' is no address of an agent; write label@agent, or @agent for its primary session"
            )
        }
        return try beyond(address)
    }

    private func isKnown(_ agent: AgentName) -> Bool {
        registry[gateway: agent] != nil || registry.gateways.contains { $0.agents.contains(agent) }
    }

    private func beyond(_ address: OutsideAddress) throws(WireError) -> Destination {
        // An agent of this bus is its own sessions.
        if registry[gateway: address.agent] != nil {
            let session = try ownSession(address.label, of: address)
            return .session(try reachable(session, address.description))
        }
        let gateways = registry.gateways.filter { $0.agents.contains(address.agent) }.sorted(by: gatewayOrder)
        guard let gateway = gateways.first else { throw unknown(address.agent) }
        guard gateway.connected != nil || mayHold else {
            throw .unknownPeer(
                "the gateway that knows the agent '\(address.agent)' is away since \(gateway.lastSeen.iso8601)"
            )
        }
        return .outside(address, gateway: gateway)
    }

    /// One that is here goes before one that is away.
    private func gatewayOrder(_ first: KnownPeer, _ second: KnownPeer) -> Bool {
        (first.connected == nil ? 1 : 0, first.owner.gatewayAgent?.rawValue ?? "")
            < (second.connected == nil ? 1 : 0, second.owner.gatewayAgent?.rawValue ?? "")
    }

    private func ownSession(_ label: RoutingLabel?, of address: OutsideAddress) throws(WireError) -> KnownPeer {
        let here = registry.sessions.filter { $0.connected != nil }
        guard let label else {
            let primary = here.compactMap { session in session.routingLabel.map { ($0, session) } }.min { $0.0 < $1.0 }
            guard let primary else { throw .unknownPeer("no session of '\(address.agent)' is here") }
            return primary.1
        }
        let isMeant = { (session: KnownPeer) in session.routingLabel?.means(label) ?? false }
        if let one = try only(here.filter(isMeant), address.description) { return one }
        if let one = try only(registry.sessions.filter(isMeant), address.description) { return one }
        throw .unknownPeer("no session of '\(address.agent)' is called '\(label)'; see list for who is here")
    }

    private func unknown(_ agent: AgentName) -> WireError {
        let up = registry.gateways.filter { $0.connected != nil }.compactMap(\.owner.gatewayAgent).sorted()
        return .unknownPeer(
            "no gateway knows the agent '\(agent)'; "
                + (up.isEmpty ? "none is up" : "up: \(up.map(\.rawValue).joined(separator: ", "))")
                + "; list --all shows the agents that are known",
            nearest: NearestNames.to(agent.rawValue, among: registry.gateways.flatMap(\.agents).map(\.rawValue))
        )
    }
}
