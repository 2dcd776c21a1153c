import Platform

/// One question to the bus about what was said, which needs no session on it.
package struct Observer: Sendable {
    package let endpoint: BusEndpoint

    package init(endpoint: BusEndpoint) {
        self.endpoint = endpoint
    }

    /// Asks the server that is up.
    ///
    /// - Returns: nil when none is.
    package func askIfUp<Answer: Sendable>(
        _ frames: [ClientFrame],
        within limit: Duration,
        _ judge: @escaping @Sendable (ServerFrame) throws -> Answer?
    ) async throws -> Answer? {
        guard let socket = try endpoint.connectIfUp() else { return nil }
        return try ask(frames, on: socket, within: limit, judge)
    }

    /// Asks, and starts the server that can answer where there is none.
    ///
    /// - Parameter judge: is handed each answer until it returns a result.
    /// - Throws: ``BusError``, ``PlatformError``.
    package func ask<Answer: Sendable>(
        _ frames: [ClientFrame],
        _ judge: @escaping @Sendable (ServerFrame) throws -> Answer?
    ) async throws -> Answer {
        let socket = try await ServerElection(endpoint: endpoint).connect()
        return try ask(frames, on: socket, within: Exchange.deadline, judge)
    }

    private func ask<Answer>(
        _ frames: [ClientFrame],
        on socket: Descriptor,
        within limit: Duration,
        _ judge: (ServerFrame) throws -> Answer?
    ) throws -> Answer {
        let hello = ClientFrame.Hello(role: .observer, features: [.history, .sessions, .replies, .gateways])
        return try Exchange.run(
            on: socket,
            hello,
            frames,
            within: limit,
            farewell: { _ in [] },
            judge
        )
    }
}
