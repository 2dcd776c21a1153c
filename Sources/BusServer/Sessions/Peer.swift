/// Who is at the other end of a connection.
enum Peer {
    case awaitingHello
    /// A session or a gateway, which has a mailbox.
    case member(ConnectedPeer)
    /// A tool that acts for a session.
    case control(ActingFor)
    /// A tool that reads what was said and says nothing.
    case observer
}

/// The right of a control connection, which ends with the session's connection that granted it.
struct ActingFor {
    let session: KnownPeer
    let nonce: String

    /// The session's connection, while it is here and has not changed.
    var granter: ConnectedPeer? {
        session.connected.flatMap { $0.accepts(nonce: nonce) ? $0 : nil }
    }
}
