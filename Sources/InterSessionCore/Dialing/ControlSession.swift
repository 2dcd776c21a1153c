/// One question to the bus on behalf of this Claude Code session's agent, as every one-shot tool asks it.
package struct ControlSession: Sendable {
    /// How long the server may take; only a machine in trouble needs it.
    private static let answerDeadline: Duration = .seconds(20)
    /// How long the session's own client may be away: the time it needs after the server was killed.
    private static let agentDeadline: Duration = .seconds(3)
    private static let pause: Duration = .milliseconds(50)

    package let agent: ListenerState
    private let endpoint: BusEndpoint

    /// Finds the agent of this Claude Code session.
    ///
    /// - Throws: ``BusError/notConnected`` when there is none, ``SettingsError``, ``PlatformError``.
    package init(_ options: BusOptions) throws {
        let directory = try DataDirectory.current()
        guard let agent = try ListenerState.ofLiveListener(try SessionKey.current(), in: directory) else {
            throw BusError.notConnected
        }
        self.agent = agent
        var settings = try options.settings(directory)
        // The bus that the agent is on, unless the command line names another.
        if options.port == nil { settings.port = agent.port }
        endpoint = BusEndpoint(directory: directory, settings: settings)
    }

    /// Says hello and `frames`, and hands each answer to `judge` until that returns a result.
    ///
    /// All of it is written at once: a tool that waits for the welcome first takes a round trip longer.
    /// - Throws: ``BusError/refused(_:)`` for the first error frame, another ``BusError`` when there is no bus.
    package func ask<Answer: Sendable>(
        _ frames: [ClientFrame],
        _ judge: @escaping @Sendable (ServerFrame) -> Answer?
    ) async throws -> Answer {
        let clock = ContinuousClock()
        let giveUp = clock.now + Self.agentDeadline
        while true {
            do {
                return try await attempt(frames, judge)
            } catch let failure as AgentAway {
                // Nothing was done: the server ends a connection whose hello it refuses.
                guard clock.now < giveUp else { throw failure.reason }
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    /// The agent, or its server, is not there at this moment.
    private struct AgentAway: Error {
        let reason: BusError
    }

    private func attempt<Answer: Sendable>(
        _ frames: [ClientFrame],
        _ judge: @escaping @Sendable (ServerFrame) -> Answer?
    ) async throws -> Answer {
        guard let socket = try endpoint.connectIfUp() else {
            throw AgentAway(reason: .noServer(port: endpoint.settings.port))
        }
        let hello = ClientFrame.Hello(role: .control(forSession: agent.sessionID), nonce: agent.nonce)
        return try await withDeadline(Self.answerDeadline, else: BusError.noAnswer) {
            try await BusConnection.withConnection(on: socket) { inbound, outbound in
                try await outbound.write(contentsOf: ([.hello(hello)] + frames).map { ClientRequest($0) })
                var isWelcome = false
                for try await frame in inbound {
                    switch frame {
                    case .welcome: isWelcome = true
                    case .error(let failure) where !isWelcome && failure.code == "unknown_peer":
                        throw AgentAway(reason: .agentAway)
                    case .error(let failure): throw BusError.refused(failure)
                    default: break
                    }
                    if let answer = judge(frame) { return answer }
                }
                throw BusError.closed(code: nil, reason: "")
            }
        }
    }
}
