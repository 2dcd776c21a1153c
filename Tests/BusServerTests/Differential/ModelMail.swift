import InterSessionCore

/// A message that was sent, as the model knows it.
final class ModelMessage {
    /// Messages are numbered in the order of their frames.
    let number: Int
    let sender: ModelSession
    let from: String
    let fromName: String
    /// What it was addressed to, by which it can be said again.
    let target: String?
    /// Nil for a broadcast.
    let recipient: ModelSession?
    let to: String?
    let toSessionID: String?
    let sentAt: Timestamp
    /// False when the server was killed before it said what has become of the message.
    var isAccepted = true
    /// The server's name of it, once it has said so.
    var id: String?
    /// Whether it was old at a look: its key may be forgotten.
    var isOld = false

    init(_ number: Int, from sender: ModelSession, target: String?, to recipient: ModelSession?, at time: Timestamp) {
        self.number = number
        self.sender = sender
        self.target = target
        self.recipient = recipient
        from = sender.id
        fromName = sender.name ?? ""
        to = recipient?.address
        toSessionID = recipient?.id
        sentAt = time
    }
}

/// A message in one mailbox.
final class ModelDelivery {
    let message: ModelMessage
    /// For whom it was, before the mailbox went to another.
    let addressee: ModelSession
    /// Acknowledged; or shown to somebody who does not acknowledge.
    var isSeen = false
    /// The server had the time to write down that it was seen.
    var isStored = false
    /// It may have been written already to the socket of somebody who does not acknowledge.
    var isOnItsWay = false
    /// False when a server was killed that may have known that it was seen.
    var waitsForSure = true
    /// By the calendar, at a look; nil while it is too young for that.
    var mayHaveExpiredAt: Timestamp?
    var hasEverBeenOld = false
    var mayBeRemoved = false
    /// The ids of those to whom it was shown.
    var shownTo: Set<String> = []

    init(_ message: ModelMessage, for addressee: ModelSession) {
        self.message = message
        self.addressee = addressee
    }

    var mustCome: Bool {
        !isSeen && message.isAccepted && waitsForSure && mayHaveExpiredAt == nil && !mayBeRemoved
    }

    /// What has expired is kept for as long again, and so is its mailbox: the calendar may have been wrong.
    var keepsItsMailbox: Bool { !isSeen && message.isAccepted && waitsForSure && !mayBeRemoved }

    func growOld(at now: Timestamp, mayExpire: Bool) {
        let retention = ModelCalendar.retention
        guard now.timeSince(message.sentAt) >= retention else {
            // Set right, a calendar that was wrong gives back what it took.
            mayHaveExpiredAt = nil
            return
        }
        guard mayExpire else { return }
        message.isOld = true
        hasEverBeenOld = true
        if let expired = mayHaveExpiredAt, now.timeSince(expired) >= retention { mayBeRemoved = true }
        if mayHaveExpiredAt == nil { mayHaveExpiredAt = now }
    }
}

/// Since when what the calendar says must have been believed before anything grows old by it.
struct ModelCalendar {
    static let retention: Duration = .seconds(7 * 86_400)
    private static let implausibleJump: Duration = .seconds(4 * 86_400)
    private static let patience: Duration = .seconds(8 * 3600)

    /// The last look that was believed.
    private var believed: (calendar: Timestamp, passed: Duration)?
    private var last: (calendar: Timestamp, passed: Duration)?
    private var doubtedUntil: Duration?

    /// - Parameter passed: time that has truly passed.
    /// - Returns: whether something may expire at this look.
    mutating func look(at now: Timestamp, passed: Duration) -> Bool {
        let hasJumped = { (look: (calendar: Timestamp, passed: Duration)?) in
            look.map { now.timeSince($0.calendar) - (passed - $0.passed) > Self.implausibleJump } ?? false
        }
        if hasJumped(last) { doubtedUntil = passed + Self.patience }
        last = (now, passed)
        guard hasJumped(believed), let doubtedUntil, passed < doubtedUntil else {
            believed = last
            doubtedUntil = nil
            return true
        }
        return false
    }
}

extension ModelMessage: CustomStringConvertible {
    var description: String { "message \(number)" }
}
