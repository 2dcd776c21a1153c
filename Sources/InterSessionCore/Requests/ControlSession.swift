/// One request to the bus on behalf of this Claude Code session, as the one-shot tools make it.
package struct ControlSession: Sendable {
    /// How long the session's own client may be away: the time it needs after the server was killed.
    private static let returnDeadline: Duration = .seconds(3)
    private static let interval: Duration = .milliseconds(50)

    /// The session, as its client has published it.
    package let session: SessionState
    private let endpoint: BusEndpoint

    package init(_ session: SessionState, endpoint: BusEndpoint) {
        self.session = session
        self.endpoint = endpoint
    }

    /// Asks on behalf of the session.
    ///
    /// - Parameters:
    ///   - limit: how long the answer may take; nil is as long as a server needs at all.
    ///   - isRepeatable: it does no harm to ask again when the connection ends without an answer.
    ///   - farewell: does what the answer is for, and returns what is to be said on it before this returns.
    ///   - judge: is handed each answer until it returns a result.
    /// - Throws: ``BusError/refused(_:)`` for the first error frame, another ``BusError`` when there is no bus.
    package func ask<Answer: Sendable>(
        _ frames: [ClientFrame],
        features: Features = [],
        within limit: Duration? = nil,
        isRepeatable: Bool = false,
        farewell: @escaping @Sendable (Answer) throws -> [ClientFrame] = { _ in [] },
        _ judge: @escaping @Sendable (ServerFrame) throws -> Answer?
    ) async throws -> Answer {
        let hello = ClientFrame.Hello(
            role: .control(forSession: session.sessionID),
            nonce: session.nonce,
            features: features
        )
        let clock = ContinuousClock()
        let giveUp = clock.now + Self.returnDeadline
        while true {
            let reason: BusError
            if let socket = try endpoint.connectIfUp() {
                do {
                    return try Exchange.run(
                        on: socket,
                        hello,
                        frames,
                        within: limit ?? Exchange.deadline,
                        farewell: farewell,
                        judge
                    )
                } catch is Exchange.SessionAway {
                    reason = .sessionAway
                } catch {
                    if let error = error as? BusError, case .closed = error { reason = error } else { throw error }
                    guard isRepeatable else { throw reason }
                }
            } else {
                reason = .noServer(port: endpoint.settings.port)
            }
            guard clock.now < giveUp else { throw reason }
            try await pause(Self.interval)
        }
    }
}
