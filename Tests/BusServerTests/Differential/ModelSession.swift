import InterSessionCore

/// A session that is known, here or away, with its mailbox.
final class ModelSession {
    var id: String
    var name: String?
    var deliveries: [ModelDelivery] = []
    /// Nil while it is away.
    var connection: ModelConnection?
    var lastSeen: Timestamp
    /// Who took its name, and its mail.
    var heir: ModelSession?
    /// What it sent with a key, and as whom.
    var keys: [Int: (message: ModelMessage, id: String)] = [:]

    init(_ id: String, at time: Timestamp) {
        self.id = id
        lastSeen = time
    }

    var address: String { name ?? id }

    /// How much waits for it, at least and at most.
    var waiting: ClosedRange<Int> {
        let least = deliveries.count { $0.mustCome && !$0.isOnItsWay }
        return least...max(least, deliveries.count { !$0.isSeen })
    }

    /// What waits is written to the socket of somebody who does not acknowledge, and counts as seen.
    func expectMail() {
        guard let connection, !connection.acknowledges else { return }
        for delivery in deliveries { delivery.isOnItsWay = true }
    }

    /// Whether it may be forgotten: away for as long as mail is kept, and without any.
    func mayBeForgotten(at now: Timestamp) -> Bool {
        // The server notes every half hour who is here.
        connection == nil && now.timeSince(lastSeen) >= ModelCalendar.retention - .seconds(3600)
            && !deliveries.contains { $0.keepsItsMailbox }
    }
}

/// One connection of a session, what must be said on it, and what was.
final class ModelConnection {
    enum Answer {
        /// - Parameter states: of which one is right.
        case sent(ModelMessage, to: String?, recipients: Int, states: Set<DeliveryState>)
        /// As the first time, or this error where it is not known whether there was a first time.
        case sentBefore(ModelMessage, orError: String?)
        case error(String)
        case renamed(String)
        case disconnected
        case list([String])
        case listAll([String: Listed])
    }

    struct Listed: CustomStringConvertible {
        let name: String
        let isOnline: Bool
        let waiting: ClosedRange<Int>

        var description: String { "'\(name)', \(isOnline ? "here" : "away"), \(waiting) waiting" }
    }

    let session: ModelSession?
    let id: String
    let acknowledges: Bool
    let holds: Bool
    /// The name that the welcome must say; nil where the hello must be refused with an error.
    let welcome: String?
    /// What must be said to wait for it; nil where nothing must be.
    let waiting: ClosedRange<Int>?
    /// The name that it had when the session came again.
    var nameBefore: String?
    /// By `ref`.
    var answers: [String: Answer] = [:]
    var news: [String] = []
    /// Nil while it is open.
    var closeCode: Int?
    /// It ended without a word: what was on its way is lost.
    var wasDropped = false

    // What was said.
    var wasWelcomed = false
    var wasToldWaiting = false
    var heard: [String] = []
    var shown: [ModelDelivery] = []
    var wasClosed = false

    init(
        _ hello: Operation.Hello,
        of session: ModelSession?,
        welcome: String?,
        waiting: ClosedRange<Int>?
    ) {
        self.session = session
        id = hello.id
        acknowledges = hello.acknowledges
        holds = hello.holds
        self.welcome = welcome
        self.waiting = waiting
    }

    var isOpen: Bool { closeCode == nil && !wasDropped }

    /// The mailbox that its mail is in now.
    var owner: ModelSession? {
        var owner = session
        while let heir = owner?.heir { owner = heir }
        return owner
    }
}
