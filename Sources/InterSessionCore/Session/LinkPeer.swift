/// What a ``SessionLink`` cannot decide for all peers alike: how its peer introduces itself, and what it makes of what it
/// is told. The link calls it for one thing after the other, mail included.
///
/// What it throws ends the connection, and is then handed to ``lost(_:attempts:)``.
package protocol LinkPeer: Sendable {
    /// How the peer introduces itself on the next connection.
    ///
    /// - Returns: nil when there is no place for it any more; the link ends.
    func hello() async throws -> ClientFrame.Hello?

    /// The peer is on the bus, and may say something.
    func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) async throws

    /// A frame that is neither mail nor an answer to a question of the link.
    func received(_ frame: ServerFrame) async throws

    /// The server refuses the hello, or something that was no question.
    func refused(_ failure: ServerFrame.Failure, isWelcome: Bool) async throws -> Refusal

    /// There is no connection; the link waits, and tries again.
    ///
    /// - Parameter attempts: since the last welcome; 1 for the end of a connection that had its welcome.
    /// - Throws: what is to end the link.
    func lost(_ error: any Error, attempts: Int) async throws
}

/// What a link does when the server has refused something.
package enum Refusal: Sendable {
    /// It goes on with this connection.
    case stay
    /// It connects again at once: the hello has changed.
    case again
    /// It connects again as after the loss of a connection.
    case retry
    /// It ends.
    case end
}

extension LinkPeer {
    package func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) async throws {}
    package func received(_ frame: ServerFrame) async throws {}
    package func refused(_ failure: ServerFrame.Failure, isWelcome: Bool) async throws -> Refusal {
        isWelcome ? .stay : .retry
    }
    package func lost(_ error: any Error, attempts: Int) async throws {}
}
