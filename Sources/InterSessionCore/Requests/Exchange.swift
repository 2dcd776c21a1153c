import Platform

/// One request to the bus on a connection of its own: everything is said at once, then the answers are read until one
/// settles it.
enum Exchange {
    /// How long the server may take; only a machine in trouble needs it.
    static let deadline: Duration = .seconds(20)
    /// How long it may take to hear a farewell, from the moment when it is said.
    private static let farewellDeadline: Duration = .seconds(2)

    /// The session to act for is not there at this moment, and nothing was done.
    struct SessionAway: Error {}

    /// Says hello and `frames`, and hands each answer to `judge` until that returns a result.
    ///
    /// A tool that waits for the welcome first takes a round trip longer. This blocks its thread.
    /// - Parameter farewell: does what the result is for, and returns what is to be said on it. That is said before this
    ///   returns; where the server cannot be told, the result is what it is.
    /// - Throws: what `farewell` throws; ``BusError/refused(_:)`` for the first error frame, another ``BusError`` when there is no answer;
    ///   ``SessionAway``.
    static func run<Answer>(
        on socket: Descriptor,
        _ hello: ClientFrame.Hello,
        _ frames: [ClientFrame],
        within limit: Duration,
        farewell: (Answer) throws -> [ClientFrame],
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
            case .peerJoined, .peerLeft, .renamed, .listing, .message, .notice, .waiting, .sent, .messages, .pong,
                .disconnected:
                break
            }
            guard let answer = try judge(frame) else { continue }
            say(try farewell(answer), on: &connection)
            return answer
        }
        throw BusError.closed(code: nil, reason: "")
    }

    /// Returns when the server has heard all of it, which then closes, or cannot be reached.
    private static func say(_ farewell: [ClientFrame], on connection: inout BlockingWebSocket) {
        if farewell.isEmpty { return }
        for frame in farewell + [.bye] { connection.write(frame) }
        connection.extendDeadline(to: farewellDeadline)
        while let frame = try? connection.read() { _ = frame }
    }
}
