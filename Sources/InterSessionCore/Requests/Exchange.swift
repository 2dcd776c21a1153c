import Platform

/// One request to the bus on a connection of its own: everything is said at once, then the answers are read until one
/// settles it.
enum Exchange {
    /// How long the server may take; only a machine in trouble needs it.
    static let deadline: Duration = .seconds(20)

    /// The session to act for is not there at this moment, and nothing was done.
    struct SessionAway: Error {}

    /// Says hello and `frames`, and hands each answer to `judge` until that returns a result.
    ///
    /// A tool that waits for the welcome first takes a round trip longer.
    /// - Parameter farewell: what is to be said on the result; it is said before this returns.
    /// - Throws: ``BusError/refused(_:)`` for the first error frame, another ``BusError`` when there is no answer;
    ///   ``SessionAway``.
    static func run<Answer: Sendable>(
        on socket: Descriptor,
        _ hello: ClientFrame.Hello,
        _ frames: [ClientFrame],
        within limit: Duration,
        farewell: @escaping @Sendable (Answer) -> [ClientFrame],
        _ judge: @escaping @Sendable (ServerFrame) throws -> Answer?
    ) async throws -> Answer {
        try await withDeadline(limit, else: BusError.noAnswer) {
            try await BusConnection.withConnection(on: socket) { inbound, outbound in
                try await outbound.write(contentsOf: ([.hello(hello)] + frames).map { ClientRequest($0) })
                var isWelcome = false
                var settled: Answer?
                do {
                    for try await frame in inbound where settled == nil {
                        switch frame {
                        case .welcome: isWelcome = true
                        case .error(let failure) where !isWelcome && failure.code == .unknownPeer: throw SessionAway()
                        case .error(let failure): throw BusError.refused(failure)
                        default: break
                        }
                        guard let answer = try judge(frame) else { continue }
                        let last = farewell(answer)
                        if last.isEmpty { return answer }
                        settled = answer
                        // The server closes when it has heard all of it.
                        try await outbound.write(contentsOf: (last + [.bye]).map { ClientRequest($0) })
                    }
                } catch BusError.closed(_, _) where settled != nil {
                    // As agreed.
                }
                guard let settled else { throw BusError.closed(code: nil, reason: "") }
                return settled
            }
        }
    }
}
