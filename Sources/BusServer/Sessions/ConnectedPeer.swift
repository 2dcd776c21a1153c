import InterSessionCore

/// A session or a gateway that is on the bus now: its connection, and how far its mail has got.
final class Agent {
    let session: KnownSession
    /// The process that must live for as long as the agent is here; nil is not watched.
    let processID: Int?
    /// Without one nobody can act for the agent or take its place.
    let nonce: String?
    /// What becomes of mail that a gateway has for nobody in particular, for people.
    let policy: String?
    let since: Timestamp
    /// When it, or a tool of it, last asked for something.
    var lastActive: ContinuousClock.Instant
    let connection: Connection
    var window: DeliveryWindow
    /// How often in a row its process was not to be found.
    var missedLooks = 0

    init(
        _ introduction: HelloHandshake.Introduction,
        as session: KnownSession,
        connection: Connection,
        clock: BusClock
    ) {
        self.session = session
        processID = connection.watchedProcess(claimed: introduction.processID)
        nonce = introduction.nonce
        policy = nil
        since = clock.now()
        lastActive = clock.instant()
        window = DeliveryWindow(most: WireLimits.unacknowledged)
        self.connection = connection
    }

    init(
        _ introduction: HelloHandshake.GatewayIntroduction,
        as session: KnownSession,
        connection: Connection,
        clock: BusClock
    ) {
        self.session = session
        processID = connection.watchedProcess(claimed: introduction.processID)
        nonce = nil
        policy = introduction.policy
        since = clock.now()
        lastActive = clock.instant()
        window = DeliveryWindow(
            most: WireLimits.gatewayUnacknowledged,
            mostBytes: WireLimits.gatewayUnacknowledgedBytes
        )
        self.connection = connection
    }

    var id: SessionID { session.id }
    var name: SessionName? { session.name }

    func accepts(nonce guess: String?) -> Bool {
        guard let nonce, let guess else { return false }
        return Secret.isEqual(guess, nonce)
    }
}
