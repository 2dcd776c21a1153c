import InterSessionCore
import Logging
import NIOCore

/// The last step of mail in the server: stored, it goes to the sockets of its receivers as fast as they take it.
///
/// A peer that keeps up gets what is accepted as it is committed. One that does not, or that has just come, is
/// behind: its mail is read from its mailbox in pages, when it has room for them, until it has caught up. So nobody's
/// slowness takes more memory than a window, and nothing is lost with a connection.
final class Delivery {
    /// As much as is read from a mailbox at once.
    private static let pageBytes = 1024 * 1024
    private static let pageCount = 1024

    private let storage: Storage
    private let journal: Journal
    private let logger: Logger
    private var pendingReplies = PendingReplies()

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
        case .success(.known(let id, let state, let recipients)):
            answer(mail, wasAlready: id, state, recipients: recipients ?? mail.recipients.count)
        case .success(.unknown):
            guard let refusal = mail.refusal else { break }
            refusal.whenItIsNew()
            mail.origin?.connection.write(refusal.error.frame(ref: mail.origin?.ref))
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
            } else if let peer = session.connected {
                // One that is behind gets it in its turn.
                if peer.window.isBehind { continue }
                guard peer.window.hasRoom(for: mail.content.bytes), peer.connection.isWritable else {
                    peer.window.isBehind = true
                    continue
                }
                let features = peer.connection.features
                // The receivers share the buffer, but for those who know less.
                let isForAll = mail.content.isPlain || features.isSuperset(of: [.replies, .notices])
                let readable = isForAll ? frame : mail.content.frame(for: features)?.encode()
                push(mail.id, readable, bytes: mail.content.bytes, to: peer)
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
            offlineSince: receiver.flatMap { $0.connected == nil ? $0.lastSeen.iso8601 : nil },
            ref: origin.ref
        )
        // Who does not acknowledge is not waited for.
        if let patience = origin.receiptWithin, let receiver, receiver.owesAcknowledgement(of: mail.id) {
            pendingReplies.awaitReceipt(of: mail.id, sent, on: origin.connection)
            let bound = NIOLoopBound((delivery: self, id: mail.id), eventLoop: storage.eventLoop)
            storage.eventLoop.scheduleTask(in: TimeAmount(patience)) {
                bound.value.delivery.receiptIsDue(bound.value.id)
            }
        } else {
            origin.connection.write(.sent(sent))
        }
    }

    /// What was sent a second time is not delivered a second time.
    private func answer(_ mail: AcceptedMail, wasAlready id: MessageID, _ state: StoredState, recipients: Int) {
        guard let origin = mail.origin, case .message(let message) = mail.content,
            origin.connection.features.contains(.receipts)
        else { return }
        let receiver = mail.currentRecipients.first
        // What is settled may not be written.
        let unwritten = state == .queued ? receiver.flatMap { journal.unwritten.state(of: id, in: $0.mailbox) } : nil
        let state = unwritten ?? state
        let isOnTheWay = state == .queued && receiver?.owesAcknowledgement(of: id) ?? false
        let sent = ServerFrame.Sent(
            messageID: id.description,
            to: message.to,
            state: isOnTheWay ? .delivered : receiver?.describe(state) ?? state.deliveryState,
            recipients: message.to == nil ? recipients : 1,
            ref: origin.ref
        )
        origin.connection.write(.sent(sent))
    }

    /// The receiver has seen the message, or has not in the time that there was.
    private func receiptIsDue(_ id: MessageID, as state: DeliveryState? = nil) {
        guard let (answer, connection) = pendingReplies.takeReceipt(of: id) else { return }
        var sent = answer
        if let state { sent.state = state }
        connection.write(.sent(sent))
    }

    private func push(_ id: MessageID, _ frame: ByteBuffer?, bytes: Int, to peer: ConnectedPeer) {
        peer.window.last = id
        guard let frame else {
            // The peer cannot read it: it knows no such frame.
            return journal.settle(id, in: peer.known)
        }
        peer.window.add(id, bytes: bytes)
        if peer.connection.features.contains(.acks) {
            peer.connection.write(encoded: frame)
        } else {
            peer.connection.write(encoded: frame) { [self] in acknowledge([id], by: peer, on: peer.connection) }
        }
    }

    // MARK: Mail that waits

    /// The peer has come: what waits for it is counted and delivered.
    func start(_ peer: ConnectedPeer, printed: [MessageID]) {
        for id in printed { journal.settle(id, in: peer.known) }
        if peer.connection.features.contains(.acks) {
            journal.flush()
            let mailbox = peer.known.mailbox
            // Nor is what a tool has been given counted: it comes only if that goes away.
            let uncounted = journal.unwrittenMessages(in: peer.known).union(peer.known.withheld)
            storage.perform { store in
                try store.waiting(in: mailbox, except: uncounted)
            } then: { [logger] outcome in
                switch outcome {
                case .success(let count): peer.connection.write(.waiting(count: count))
                case .failure(let error): logger.error("the mail that waits could not be counted: \(error)")
                }
            }
        }
        catchUp(peer)
    }

    /// The mailbox has got mail that is older than what was delivered.
    func startOver(_ session: KnownPeer) {
        guard let peer = session.connected else { return }
        peer.window.startOver()
        catchUp(peer)
    }

    /// Reads the next page of a peer that is behind and has room.
    func catchUp(_ peer: ConnectedPeer) {
        let window = peer.window
        guard peer.known.pendingMerges == 0, window.isBehind, !window.isReading, window.hasMuchRoom,
            peer.connection.isWritable
        else { return }
        peer.window.isReading = true
        // What was acknowledged is not read again.
        journal.flush()
        let mailbox = peer.known.mailbox
        storage.perform { store in
            let count = min(Self.pageCount, window.most)
            return try store.page(of: mailbox, after: window.last, bytes: Self.pageBytes, count: count)
        } then: { [self] outcome in
            guard peer.known.connected === peer else { return }
            peer.window.isReading = false
            switch outcome {
            case .success(let page):
                if peer.window.reading == window.reading { take(page, for: peer) }
                catchUp(peer)
            case .failure(let error):
                logger.error("the mail of '\(peer.known.address)' could not be read: \(error)")
                // It comes again and finds its mail, or the trouble is over.
                peer.connection.close(.goingAway, reason: "the mailbox could not be read")
            }
        }
    }

    private func take(_ page: MailStore.Page, for peer: ConnectedPeer) {
        let settled = journal.unwrittenMessages(in: peer.known, after: peer.window.last)
        for (id, content) in page.mail {
            if settled.contains(id) || peer.window.unacknowledged.contains(id) || peer.known.withheld.contains(id) {
                peer.window.last = id
                continue
            }
            // The rest is read again when there is room.
            guard peer.window.hasRoom(for: content.bytes) else { return }
            push(id, content.frame(for: peer.connection.features)?.encode(), bytes: content.bytes, to: peer)
        }
        // Nothing can have come in between: what was committed after the page was read is delivered after it.
        if page.isLast { peer.window.isBehind = false }
    }

    // MARK: What the receivers say

    /// - Parameter connection: the peer's own, or that of a tool which waited for an answer.
    func acknowledge(_ ids: [MessageID], by peer: ConnectedPeer, on connection: any PeerOutlet) {
        let session = peer.known
        for id in ids {
            let wasHere = peer.window.remove(id)
            let wasWithheld = !session.withheld.isEmpty && session.withheld.remove(id) != nil
            guard wasHere || wasWithheld else { continue }
            journal.settle(id, in: session)
            connection.withheld.remove(id)
            receiptIsDue(id, as: session.describe(.seen))
        }
        catchUp(peer)
    }

    /// Takes back a message that is on the connection of a gateway, which could not forward it.
    ///
    /// - Returns: whether it was there.
    func takeBack(_ id: MessageID, from gateway: ConnectedPeer) -> Bool {
        defer { catchUp(gateway) }
        return gateway.window.remove(id)
    }

    // MARK: Questions

    func awaitAnswer(to id: MessageID, _ question: PendingReplies.Question) {
        pendingReplies.awaitAnswer(to: id, question)
    }

    /// Gives an answer to the tool that waits for it.
    private func giveToAsker(_ mail: AcceptedMail, _ session: KnownPeer) -> Bool {
        guard case .message(let message) = mail.content, let sender = SessionID(rawValue: message.from),
            let question = pendingReplies.takeQuestion(answeredBy: message, from: sender, to: session),
            let frame = mail.content.frame(for: question.connection.features)
        else { return false }
        session.withheld.insert(mail.id)
        question.connection.withheld.insert(mail.id)
        question.connection.write(frame)
        return true
    }

    /// What the connection waited for is not for it any more.
    func connectionClosed(_ connection: any PeerOutlet, of session: KnownPeer?) {
        pendingReplies.forget(connection)
        guard let session, !connection.withheld.isEmpty else { return }
        session.withheld.subtract(connection.withheld)
        connection.withheld = []
        startOver(session)
    }
}

extension Delivery: MailboxKeeper {
    func save(_ owner: KnownPeer) {
        journal.save(owner)
    }

    /// Nothing is read from the heir's mailbox until the mail is there.
    func merge(_ old: KnownPeer, into heir: KnownPeer) {
        heir.pendingMerges += 1
        heir.connected?.window.startOver()
        journal.merge(old, into: heir) { [self] in
            heir.pendingMerges -= 1
            startOver(heir.currentOwner)
        }
    }
}
