import InterSessionCore
import Logging

/// Where mail that passed every rule goes in: it gets its id and is on its way to the journal.
final class Acceptance {
    private let journal: Journal
    private let delivery: Delivery
    private let logger: Logger
    private var messageIDs: MessageID.Sequence
    private var loops: LoopGuard
    private let clock: BusClock

    init(
        journal: Journal,
        delivery: Delivery,
        loops: LoopGuard,
        lastMessageID: MessageID?,
        clock: BusClock,
        logger: Logger
    ) {
        self.journal = journal
        self.delivery = delivery
        self.loops = loops
        self.clock = clock
        self.logger = logger
        messageIDs = MessageID.Sequence(after: lastMessageID)
    }

    /// The id of a message, which is its moment.
    func nextID() -> MessageID {
        messageIDs.next(at: clock.now())
    }

    /// - Throws: ``WireError/textTooLong(bytes:limit:)``, ``WireError/invalidPayload(_:)`` for no text.
    func check(_ text: String, limit: Int) throws(WireError) {
        guard !text.isEmpty else { throw .invalidPayload("the field 'text' is empty") }
        guard text.utf8.count <= limit else { throw .textTooLong(bytes: text.utf8.count, limit: limit) }
    }

    /// Has the mail stored, then delivered.
    func accept(_ mail: AcceptedMail) {
        loops.remember(mail.id, mail.depth)
        for session in mail.recipients { session.lastMail = mail.id }
        mail.origin?.connection.hold(bytes: mail.content.bytes)
        journal.write(mail) { [delivery] outcome in delivery.deliver(mail, outcome) }
    }

    /// How deep the message is in a chain of automatic ones.
    ///
    /// - Throws: ``WireError/hopLimit``.
    func depth(of message: ClientFrame.Outgoing) throws(WireError) -> Int {
        try loops.depth(of: message)
    }

    /// Lets a direct message pass, or not; see ``tellOfStop(_:_:_:_:)``.
    ///
    /// - Parameter agent: who is behind the one of the two that is a gateway.
    /// - Returns: its depth in a chain of automatic ones.
    /// - Throws: ``WireError/hopLimit``, ``WireError/rateLimited(retryAfter:of:)``.
    func admit(
        _ message: ClientFrame.Outgoing,
        from sender: KnownPeer,
        to recipient: KnownPeer,
        _ agent: AgentName?
    ) throws(WireError) -> Int {
        let depth = try loops.depth(of: message)
        try loops.admit(LoopGuard.Pair(sender, recipient, agent), at: clock.instant())
        return depth
    }

    /// Tells both sessions that a message between them did not pass.
    func tellOfStop(_ sender: KnownPeer, _ recipient: KnownPeer, _ agent: AgentName?, _ error: WireError) {
        guard loops.mayNotify(LoopGuard.Pair(sender, recipient, agent), at: clock.instant()) else { return }
        let both = [sender, recipient]
        let names = both.map { "'\($0.owner.isSession ? $0.address : agent?.rawValue ?? "")'" }
        notify(
            both.filter(\.owner.isSession),
            "messages between \(names.joined(separator: " and ")) were stopped: \(error.code): \(error.message)"
        )
    }

    /// Puts word of the bus itself into mailboxes.
    func notify(_ sessions: [KnownPeer], _ text: String) {
        let id = nextID()
        logger.notice("\(text)")
        let notice = ServerFrame.Notice(id: id.description, timestamp: id.time.iso8601, text: text)
        accept(AcceptedMail(id: id, content: .notice(notice), recipients: sessions))
    }
}
