import InterSessionCore

/// Decides on a hello (docs/PROTOCOL.md, "hello"), without changing anything.
struct HelloHandshake {
    enum Admission {
        /// `replacing` is the older connection of the same session.
        case agent(Introduction, replacing: Agent?)
        case control(ActingFor)
        case observer
        case gateway(GatewayIntroduction)
    }

    /// An agent's own account of itself, validated.
    struct Introduction {
        let id: SessionID
        let name: SessionName?
        let label: SessionLabel
        let workingDirectory: String
        let processID: Int?
        let nonce: String?
        /// What it has shown already.
        let printed: [MessageID]
    }

    /// A gateway's own account of itself, validated.
    struct GatewayIntroduction {
        let agent: AgentName
        let label: SessionLabel
        let policy: String
        let processID: Int?
    }

    /// The right of a control connection, which ends with the agent that granted it.
    struct ActingFor {
        let session: KnownSession
        let nonce: String

        /// The agent, while it is here and has not changed.
        var agent: Agent? {
            session.agent.flatMap { $0.accepts(nonce: nonce) ? $0 : nil }
        }
    }

    let token: BearerToken
    let registry: Registry

    /// - Parameter isLocalUser: the kernel says that the peer is our own user, so that no token is needed.
    /// - Throws: ``WireError``, for the first rule that is broken.
    func judge(_ hello: ClientFrame.Hello, isLocalUser: Bool) throws(WireError) -> Admission {
        try checkToken(hello.token, isLocalUser: isLocalUser)
        switch hello.role {
        case .agent(let agent): return try judge(agent, nonce: hello.nonce, hello.features)
        case .control(let session): return .control(try judgeControl(of: session, nonce: hello.nonce))
        case .observer: return .observer
        case .gateway(let gateway): return .gateway(try judge(gateway))
        }
    }

    private func checkToken(_ guess: String?, isLocalUser: Bool) throws(WireError) {
        if let guess {
            guard token.matches(guess) else {
                throw .unauthorized("the token is wrong; it is in the file 'token' of the data directory")
            }
        } else if !isLocalUser {
            throw .unauthorized("hello needs the token of the file 'token' in the data directory")
        }
    }

    private func judge(
        _ agent: ClientFrame.AgentIntroduction,
        nonce: String?,
        _ features: Features
    ) throws(WireError) -> Admission {
        let id = if let text = agent.sessionID { try SessionID(validating: text) } else { SessionID.random() }
        let name = try name(of: agent, id, features)
        let label = try SessionLabel(validating: agent.label)
        let old = registry.agent(id)
        if let old, !old.accepts(nonce: nonce) {
            throw .unauthorized("the session id is in use by another connection, which has another nonce")
        }
        if let name, registry.isTaken(name, byOtherThan: id) { throw taken(name) }
        guard agent.printed.count <= WireLimits.printed else {
            throw .invalidPayload("the field 'printed' names more than \(WireLimits.printed) messages")
        }
        return .agent(
            Introduction(
                id: id,
                name: name,
                label: label,
                // Who lists the sessions shows it to a person, and need not clean it again.
                workingDirectory: SafeText.singleLine(agent.workingDirectory.unicodeScalars),
                processID: Self.checkable(agent.processID),
                nonce: nonce,
                printed: features.contains(.acks) ? agent.printed.compactMap { MessageID($0) } : []
            ),
            replacing: old
        )
    }

    private func judge(_ gateway: ClientFrame.GatewayIntroduction) throws(WireError) -> GatewayIntroduction {
        let agent = try AgentName(validating: gateway.agent)
        // Its lock says that there is one only; the connection of one that died may end a moment later than its lock.
        guard registry[gateway: agent]?.agent == nil else {
            throw .unauthorized("a gateway of '\(agent)' is connected")
        }
        return GatewayIntroduction(
            agent: agent,
            label: try SessionLabel(validating: gateway.label),
            policy: gateway.policy,
            processID: Self.checkable(gateway.processID)
        )
    }

    /// A number that a process can have; 0, and what is none, means that nobody is to look for one.
    private static func checkable(_ processID: Int?) -> Int? {
        processID.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
    }

    private func judgeControl(of session: String, nonce: String?) throws(WireError) -> ActingFor {
        guard let agent = SessionID(rawValue: session).flatMap({ registry.agent($0) }) else {
            throw .unknownPeer("the session to act for is not connected")
        }
        guard let nonce, agent.accepts(nonce: nonce) else {
            throw .unauthorized("the nonce is not that of the session to act for")
        }
        return ActingFor(session: agent.session, nonce: nonce)
    }

    /// The name that it wants. Where it leaves that to us: its name of before, else what it suggests, else one like that.
    private func name(
        of agent: ClientFrame.AgentIntroduction,
        _ id: SessionID,
        _ features: Features
    ) throws(WireError) -> SessionName? {
        guard agent.name.isEmpty else { return try SessionName(validating: agent.name) }
        guard let suggestion = agent.suggestedName, features.contains(.sessions) else { return nil }
        if let before = registry[id]?.name, !registry.isTaken(before, byOtherThan: id) { return before }
        if let name = SessionName(rawValue: suggestion) {
            return registry.isTaken(name, byOtherThan: id) ? candidates(name).first : name
        }
        return (1...).lazy.compactMap { SessionName(rawValue: "claude-\($0)") }.first {
            !registry.isTaken($0, byOtherThan: id)
        }
    }

    /// Also what `rename` answers.
    func taken(_ name: SessionName) -> WireError {
        .nameTaken(name.rawValue, candidates: candidates(name).map(\.rawValue))
    }

    private func candidates(_ name: SessionName) -> [SessionName] {
        name.candidates { registry.isTaken($0) }
    }
}
