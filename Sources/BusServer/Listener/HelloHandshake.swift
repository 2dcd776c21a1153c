import InterSessionCore

/// Decides on a hello (docs/PROTOCOL.md, "hello"), without changing anything.
struct HelloHandshake {
    enum Admission {
        /// `replacing` is the older connection of the same session.
        case agent(Introduction, replacing: Agent?)
        case control(ActingFor)
    }

    /// An agent's own account of itself, validated.
    struct Introduction {
        let id: SessionID
        let name: SessionName?
        let label: SessionLabel
        let workingDirectory: String
        let processID: Int?
        let nonce: String?
    }

    /// The right of a control connection, which ends with the agent that granted it.
    struct ActingFor {
        let session: SessionID
        let nonce: String
    }

    let token: BearerToken
    let registry: Registry

    /// - Parameter isLocalUser: the kernel says that the peer is our own user, so that no token is needed.
    /// - Throws: ``WireError``, for the first rule that is broken.
    func judge(_ hello: ClientFrame.Hello, isLocalUser: Bool) throws(WireError) -> Admission {
        try checkToken(hello.token, isLocalUser: isLocalUser)
        switch hello.role {
        case .agent(let agent): return try judge(agent, nonce: hello.nonce)
        case .control(let session): return .control(try judgeControl(of: session, nonce: hello.nonce))
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
        nonce: String?
    ) throws(WireError) -> Admission {
        let id = if let text = agent.sessionID { try SessionID(validating: text) } else { SessionID.random() }
        let name = agent.name.isEmpty ? nil : try SessionName(validating: agent.name)
        let label = try SessionLabel(validating: agent.label)
        let old = registry[id]
        if let old, !old.accepts(nonce: nonce) {
            throw .unauthorized("the session id is in use by another connection, which has another nonce")
        }
        if let name, registry.isTaken(name, byOtherThan: id) { throw taken(name) }
        return .agent(
            Introduction(
                id: id,
                name: name,
                label: label,
                workingDirectory: agent.workingDirectory,
                processID: agent.processID,
                nonce: nonce
            ),
            replacing: old
        )
    }

    private func judgeControl(of session: String, nonce: String?) throws(WireError) -> ActingFor {
        guard let agent = SessionID(rawValue: session).flatMap({ registry[$0] }) else {
            throw .unknownPeer("the session to act for is not connected")
        }
        guard let nonce, agent.accepts(nonce: nonce) else {
            throw .unauthorized("the nonce is not that of the session to act for")
        }
        return ActingFor(session: agent.id, nonce: nonce)
    }

    /// Also what `rename` answers.
    func taken(_ name: SessionName) -> WireError {
        .nameTaken(name, candidates: name.candidates { registry[$0] != nil })
    }
}
