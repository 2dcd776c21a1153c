import InterSessionCore

/// Decides on a hello (docs/PROTOCOL.md, "hello"), without changing anything.
struct HelloHandshake {
    enum Admission {
        /// `replacing` is the older connection of the same session.
        case member(Introduction, replacing: ConnectedPeer?)
        case control(ActingFor)
        case observer
    }

    let token: BearerToken
    let registry: Registry

    /// - Parameter isLocalUser: the kernel says that the peer is our own user, so that no token is needed.
    /// - Throws: ``WireError``, for the first rule that is broken.
    func judge(_ hello: ClientFrame.Hello, isLocalUser: Bool) throws(WireError) -> Admission {
        try checkToken(hello.token, isLocalUser: isLocalUser)
        switch hello.role {
        case .agent(let session): return try judge(session, nonce: hello.nonce, hello.features)
        case .control(let session): return .control(try judgeControl(of: session, nonce: hello.nonce))
        case .observer: return .observer
        case .gateway(let gateway): return .member(try judge(gateway), replacing: nil)
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
        _ session: ClientFrame.SessionIntroduction,
        nonce: String?,
        _ features: Features
    ) throws(WireError) -> Admission {
        let id = if let text = session.sessionID { try SessionID(validating: text) } else { SessionID.random() }
        let name = try name(of: session, id, features)
        let label = try SessionLabel(validating: session.label)
        let old = registry[id]?.connected
        if let old, !old.accepts(nonce: nonce) {
            throw .unauthorized("the session id is in use by another connection, which has another nonce")
        }
        if let name, registry.isTaken(name, byOtherThan: id) { throw taken(name) }
        guard session.printed.count <= WireLimits.printed else {
            throw .invalidPayload("the field 'printed' names more than \(WireLimits.printed) messages")
        }
        return .member(
            Introduction(
                role: .session(
                    id: id,
                    name: name,
                    // Who lists the sessions shows it to a person, and need not clean it again.
                    workingDirectory: SafeText.singleLine(session.workingDirectory.unicodeScalars),
                    nonce: nonce
                ),
                label: label,
                processID: Self.checkable(session.processID),
                printed: features.contains(.acks) ? session.printed.compactMap { MessageID($0) } : []
            ),
            replacing: old
        )
    }

    private func judge(_ gateway: ClientFrame.GatewayIntroduction) throws(WireError) -> Introduction {
        let agent = try AgentName(validating: gateway.agent)
        // Its lock says that there is one only; the connection of one that died may end a moment later than its lock.
        guard registry[gateway: agent]?.connected == nil else {
            throw .unauthorized("a gateway of '\(agent)' is connected")
        }
        return Introduction(
            role: .gateway(of: agent, policy: gateway.policy),
            label: try SessionLabel(validating: gateway.label),
            processID: Self.checkable(gateway.processID)
        )
    }

    /// A number that a process can have; 0, and what is none, means that nobody is to look for one.
    private static func checkable(_ processID: Int?) -> Int? {
        processID.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
    }

    private func judgeControl(of session: String, nonce: String?) throws(WireError) -> ActingFor {
        guard let granter = SessionID(rawValue: session).flatMap({ registry[$0]?.connected }) else {
            throw .unknownPeer("the session to act for is not connected")
        }
        guard let nonce, granter.accepts(nonce: nonce) else {
            throw .unauthorized("the nonce is not that of the session to act for")
        }
        return ActingFor(session: granter.known, nonce: nonce)
    }

    /// The name that it wants. Where it leaves that to us: its name of before, else what it suggests, else one like that.
    private func name(
        of session: ClientFrame.SessionIntroduction,
        _ id: SessionID,
        _ features: Features
    ) throws(WireError) -> SessionName? {
        guard session.name.isEmpty else { return try SessionName(validating: session.name) }
        guard let suggestion = session.suggestedName, features.contains(.sessions) else { return nil }
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
