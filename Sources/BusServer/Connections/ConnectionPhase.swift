import InterSessionCore

/// How far a connection has got, and who is at its other end. Each step says what the connection is to do.
enum ConnectionPhase {
    /// Its frames are listened to.
    case open(Peer)
    /// Its token was wrong: it hears so after a while, and nothing that it says meanwhile is listened to.
    case refused
    /// A goodbye is written, or the socket is closed; the peer is who it was.
    case closing(Peer)

    /// What to do about a frame that was refused.
    enum Refusal: Equatable {
        /// The peer is told, and may go on.
        case answer
        /// The peer is told, and the connection ends.
        case end
        /// The same, but not at once: who guesses tokens pays with time for each guess.
        case endLater
    }

    var peer: Peer {
        switch self {
        case .open(let peer), .closing(let peer): peer
        case .refused: .awaitingHello
        }
    }

    private var isAwaitingHello: Bool {
        switch self {
        case .open(.awaitingHello), .refused: true
        case .open, .closing: false
        }
    }

    var isListening: Bool {
        if case .open = self { true } else { false }
    }

    var isClosing: Bool {
        if case .closing = self { true } else { false }
    }

    /// The peer has said who it is.
    mutating func admit(_ peer: Peer) {
        if case .open = self { self = .open(peer) }
    }

    /// - Parameter isLocalUser: the kernel says so, and no token is needed; one that is wrong is a mistake and no guess.
    mutating func refuse(_ error: WireError, isLocalUser: Bool) -> Refusal {
        guard isAwaitingHello else { return .answer }
        guard case .unauthorized = error, !isLocalUser else { return .end }
        self = .refused
        return .endLater
    }

    /// - Returns: false when the connection is closing already.
    mutating func close() -> Bool {
        guard !isClosing else { return false }
        self = .closing(peer)
        return true
    }
}
