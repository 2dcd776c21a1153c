import InterSessionCore
import Platform

/// A session or a gateway that is on the bus now: its connection, and how far its mail has got.
final class ConnectedPeer {
    let known: KnownPeer
    /// The process that must live for as long as the peer is here; nil is not watched.
    let processID: Int?
    /// Without one nobody can act for the session or take its place.
    let nonce: String?
    /// What becomes of mail that a gateway has for nobody in particular, for people.
    let policy: String?
    let since: Timestamp
    /// When it, or a tool of it, last asked for something.
    var lastActive: ContinuousClock.Instant
    let connection: any PeerOutlet
    var window: DeliveryWindow
    /// How often in a row its process was not to be found.
    var missedChecks = 0

    init(_ introduction: Introduction, as known: KnownPeer, on connection: any PeerOutlet, clock: BusClock) {
        self.known = known
        self.connection = connection
        processID = connection.watchedProcess(claimed: introduction.processID)
        since = clock.now()
        lastActive = clock.instant()
        window = DeliveryWindow(of: known.owner)
        switch introduction.role {
        case .session(_, _, _, let nonce): (self.nonce, policy) = (nonce, nil)
        case .gateway(_, let policy): (nonce, self.policy) = (nil, policy)
        }
    }

    var id: SessionID { known.id }
    var name: SessionName? { known.name }

    func accepts(nonce guess: String?) -> Bool {
        guard let nonce, let guess else { return false }
        return Secret.isEqual(guess, nonce)
    }
}
