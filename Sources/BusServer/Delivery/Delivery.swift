import InterSessionCore
import Logging
import NIOCore

/// The last step of mail in the server: stored, it goes to the sockets of its receivers as fast as they take it.
///
/// An agent that keeps up gets what is accepted as it is committed. One that does not, or that has just come, is
/// behind: its mail is read from its mailbox in pages, when it has room for them, until it has caught up. So nobody's
/// slowness takes more memory than a window, and nothing is lost with a connection.
final class Delivery {
    /// As much as is read from a mailbox at once.
    private static let pageBytes = 1024 * 1024
    private static let pageCount = 1024

    private let storage: Storage
    private let journal: Journal
    private let logger: Logger
    private var correspondence = Correspondence()

    init(storage: Storage, journal: Journal, logger: Logger) {
        self.storage = storage
        self.journal = journal
        self.logger = logger
    }

    // MARK: New mail

    func deliver(_ mail: AcceptedMail, _ outcome: Result<StoredMail, any Error>) {
        switch outcome {
        case .success(.new(let frame)):
            let wasDelivered = deliver(mail, frame)
            answer(mail, wasDelivered: wasDelivered)
        case .success(.known(let id, let state)):
            answer(mail, wasAlready: id, state)
        case .success(.unknown):
            if let refusal = mail.refusal { mail.origin?.connection.write(refusal.frame(ref: mail.origin?.ref)) }
        case .failure(let error):
            logger.error("mail could not be stored, its sender was told: \(error)")
            let reason = "the message could not be stored (\(error)); nobody got it; free some space and send it again"
            mail.origin?.connection.write(WireError.storageFull(reason).frame(ref: mail.origin?.ref))
        }
        mail.origin?.connection.settle(bytes: mail.content.bytes)
    }

    private func deliver(_ mail: AcceptedMail, _ frame: ByteBuffer) -> Bool {
        var wasDelivered = false
        for session in mail.recipients {
            if session.heir != nil {
                // Its mailbox is its heir's now, which holds the message, or will.
                startOver(session.currentOwner)
            } else if giveToAsker(mail, session) {
                wasDelivered = true
            } else if let agent = session.agent {
                // An agent that is behind gets it in its turn.
                if agent.window.isBehind { continue }
                guard agent.window.hasRoom(for: mail.content.bytes), agent.connection.isWritable else {
                    agent.window.isBehind = true
                    continue
                }
                let features = agent.connection.features
                // The receivers share the buffer, but for those who know less.
                let isForAll = mail.content.isPlain || features.isSuperset(of: [.replies, .notices])
                let readable = isForAll ? frame : mail.content.frame(for: features)?.encode()
                push(mail.id, readable, bytes: mail.content.bytes, to: agent)
                wasDelivered = true
            }
        }
        return wasDelivered
    }

    private func answer(_ mail: AcceptedMail, wasDelivered: Bool) {
        guard let origin = mail.origin, case .message(let message) = mail.content,
            origin.connection.features.contains(.receipts)
        else { return }
        let receiver = message.to == nil ? nil : mail.currentRecipients.first
        let sent = ServerFrame.Sent(
            messageID: message.id,
            to: message.to,
            state: wasDelivered ? .delivered : .queued,
            recipients: mail.recipients.count,
            offlineSince: receiver.flatMap { $0.agent == nil ? $0.lastSeen.iso8601 : nil },
            ref: origin.ref
        )
        // Who does not acknowledge is not waited for.
        if let patience = origin.receiptWithin, let receiver, receiver.owesAcknowledgement(of: mail.id) {
            correspondence.awaitReceipt(of: mail.id, sent, on: origin.connection)
            let bound = NIOLoopBound((delivery: self, id: mail.id), eventLoop: storage.eventLoop)
            storage.eventLoop.scheduleTask(in: TimeAmount(patience)) {
                bound.value.delivery.receiptIsDue(bound.value.id)
            }
        } else {
            origin.connection.write(.sent(sent))
        }
    }

    /// What was sent a second time is not delivered a second time.
    private func answer(_ mail: AcceptedMail, wasAlready id: MessageID, _ state: StoredState) {
        guard let origin = mail.origin, case .message(let message) = mail.content,
            origin.connection.features.contains(.receipts)
        else { return }
        let receiver = mail.currentRecipients.first
        let isOnTheWay = state == .queued && receiver?.owesAcknowledgement(of: id) ?? false
        let sent = ServerFrame.Sent(
            messageID: id.description,
            to: message.to,
            state: isOnTheWay ? .delivered : receiver?.describe(state) ?? state.deliveryState,
            recipients: message.to == nil ? mail.recipients.count : 1,
            ref: origin.ref
        )
        origin.connection.write(.sent(sent))
    }

    /// The receiver has seen the message, or has not in the time that there was.
    private func receiptIsDue(_ id: MessageID, as state: DeliveryState? = nil) {
        guard let (answer, connection) = correspondence.takeReceipt(of: id) else { return }
        var sent = answer
        if let state { sent.state = state }
        connection.write(.sent(sent))
    }

    private func push(_ id: MessageID, _ frame: ByteBuffer?, bytes: Int, to agent: Agent) {
        agent.window.last = id
        guard let frame else {
            // The agent cannot read it: it knows no such frame.
            return journal.settle(id, in: agent.session)
        }
        agent.window.add(id, bytes: bytes)
        if agent.connection.features.contains(.acks) {
            agent.connection.write(encoded: frame)
        } else {
            agent.connection.write(encoded: frame) { [self] in acknowledge([id], by: agent, on: agent.connection) }
        }
    }

    // MARK: Mail that waits

    /// The agent has come: what waits for it is counted and delivered.
    func start(_ agent: Agent, printed: [MessageID]) {
        for id in printed { journal.settle(id, in: agent.session) }
        if agent.connection.features.contains(.acks) {
            journal.flush()
            let mailbox = agent.session.mailbox
            storage.perform { store in
                try store.waiting(in: mailbox)
            } then: { [logger] outcome in
                switch outcome {
                case .success(let count): agent.connection.write(.waiting(count: count))
                case .failure(let error): logger.error("the mail that waits could not be counted: \(error)")
                }
            }
        }
        catchUp(agent)
    }

    /// Mail is being moved from another mailbox into this one.
    func awaitMerge(into session: KnownSession) {
        session.pendingMerges += 1
        session.agent?.window.startOver()
    }

    /// The mail is there.
    func merged(into session: KnownSession) {
        session.pendingMerges -= 1
        startOver(session.currentOwner)
    }

    /// The mailbox has got mail that is older than what was delivered.
    func startOver(_ session: KnownSession) {
        guard let agent = session.agent else { return }
        agent.window.startOver()
        catchUp(agent)
    }

    /// Reads the next page of an agent that is behind and has room.
    func catchUp(_ agent: Agent) {
        let window = agent.window
        guard agent.session.pendingMerges == 0, window.isBehind, !window.isReading, window.hasMuchRoom,
            agent.connection.isWritable
        else { return }
        agent.window.isReading = true
        // What was acknowledged is not read again.
        journal.flush()
        let mailbox = agent.session.mailbox
        storage.perform { store in
            let count = min(Self.pageCount, window.most)
            return try store.page(of: mailbox, after: window.last, bytes: Self.pageBytes, count: count)
        } then: { [self] outcome in
            guard agent.session.agent === agent else { return }
            agent.window.isReading = false
            switch outcome {
            case .success(let page):
                if agent.window.reading == window.reading { take(page, for: agent) }
                catchUp(agent)
            case .failure(let error):
                logger.error("the mail of '\(agent.session.address)' could not be read: \(error)")
                // It comes again and finds its mail, or the trouble is over.
                agent.connection.close(.goingAway, reason: "the mailbox could not be read")
            }
        }
    }

    private func take(_ page: MailStore.Page, for agent: Agent) {
        for (id, content) in page.mail {
            if agent.window.unacknowledged.contains(id) || agent.session.withheld.contains(id) {
                agent.window.last = id
                continue
            }
            // The rest is read again when there is room.
            guard agent.window.hasRoom(for: content.bytes) else { return }
            push(id, content.frame(for: agent.connection.features)?.encode(), bytes: content.bytes, to: agent)
        }
        // Nothing can have come in between: what was committed after the page was read is delivered after it.
        if page.isLast { agent.window.isBehind = false }
    }

    // MARK: What the receivers say

    /// - Parameter connection: the agent's own, or that of a tool which waited for an answer.
    func acknowledge(_ ids: [MessageID], by agent: Agent, on connection: Connection) {
        let session = agent.session
        for id in ids {
            let wasHere = agent.window.remove(id)
            let wasWithheld = !session.withheld.isEmpty && session.withheld.remove(id) != nil
            guard wasHere || wasWithheld else { continue }
            journal.settle(id, in: session)
            connection.withheld.remove(id)
            receiptIsDue(id, as: session.describe(.seen))
        }
        catchUp(agent)
    }

    /// Takes back a message that is on the connection of a gateway, which could not forward it.
    ///
    /// - Returns: whether it was there.
    func takeBack(_ id: MessageID, from gateway: Agent) -> Bool {
        defer { catchUp(gateway) }
        return gateway.window.remove(id)
    }

    // MARK: Questions

    func awaitAnswer(to id: MessageID, _ question: Correspondence.Question) {
        correspondence.awaitAnswer(to: id, question)
    }

    /// Gives an answer to the tool that waits for it.
    private func giveToAsker(_ mail: AcceptedMail, _ session: KnownSession) -> Bool {
        guard case .message(let message) = mail.content, let sender = SessionID(rawValue: message.from),
            let question = correspondence.question(answeredBy: message, from: sender, to: session),
            let frame = mail.content.frame(for: question.connection.features)
        else { return false }
        session.withheld.insert(mail.id)
        question.connection.withheld.insert(mail.id)
        question.connection.write(frame)
        return true
    }

    /// What the connection waited for is not for it any more.
    func connectionClosed(_ connection: Connection, of session: KnownSession?) {
        correspondence.forget(connection)
        guard let session, !connection.withheld.isEmpty else { return }
        session.withheld.subtract(connection.withheld)
        connection.withheld = []
        startOver(session)
    }
}
