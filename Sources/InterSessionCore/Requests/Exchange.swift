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
    /// A tool that waits for the welcome first takes a round trip longer. This blocks its thread.
    /// - Parameter farewell: what is to be said on the result; it is said before this returns.
    /// - Throws: ``BusError/refused(_:)`` for the first error frame, another ``BusError`` when there is no answer;
    ///   ``SessionAway``.
    static func run<Answer>(
        on socket: Descriptor,
        _ hello: ClientFrame.Hello,
        _ frames: [ClientFrame],
        within limit: Duration,
        farewell: (Answer) -> [ClientFrame],
        _ judge: (ServerFrame) throws -> Answer?
    ) throws -> Answer {
        var connection = BlockingWebSocket(on: socket, within: limit)
        connection.write(.hello(hello))
        for frame in frames { connection.write(frame) }
        var isWelcome = false
        while let frame = try connection.read() {
            switch frame {
            case .welcome: isWelcome = true
            case .error(let failure) where !isWelcome && failure.code == .unknownPeer: throw SessionAway()
            case .error(let failure): throw BusError.refused(failure)
            default: break
            }
            guard let answer = try judge(frame) else { continue }
            try say(farewell(answer), on: &connection)
            return answer
        }
        throw BusError.closed(code: nil, reason: "")
    }

    /// Returns when the server has heard all of it, which then closes.
    private static func say(_ farewell: [ClientFrame], on connection: inout BlockingWebSocket) throws {
        if farewell.isEmpty { return }
        for frame in farewell + [.bye] { connection.write(frame) }
        do {
            while try connection.read() != nil {}
        } catch BusError.closed {
            // As agreed.
        }
    }
}
