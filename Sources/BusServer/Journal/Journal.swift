import InterSessionCore
import Logging
import NIOCore

/// Makes accepted mail last before anybody hears of it, in the order of its acceptance, and with it all that the mail
/// rests on: who owns the mailboxes, and what was settled.
///
/// What arrives within one turn of the event loop, or while a batch is being written, is the next batch: one
/// transaction. When one fails, its mail is refused; the rest of it is written with the next. Until then whoever reads
/// a mailbox is told by ``unwritten`` what in it is settled.
final class Journal {
    /// What has become of one message.
    typealias Completion = (Result<StoredMail, any Error>) -> Void

    private let storage: Storage
    private let index: SearchIndexer
    private let logger: Logger
    private var mail: CircularBuffer<(mail: AcceptedMail, completion: Completion)> = []
    private var changes = PendingChanges()
    private var isScheduled = false
    private var delayedWrite: Scheduled<Void>?
    /// How long what was settled may wait for more of it. Nobody waits for it, and a commit of its own for each would
    /// write some pages of the database each time. What is lost with the process is told again.
    private static let settlementDelay: TimeAmount = .milliseconds(20)
    /// When to try again to write what could not be written and is not mail.
    private static let retryDelay: TimeAmount = .seconds(1)
    /// The last batch failed, which may be because of its mail: the rest is written alone once.
    private var mustWriteChangesAlone = false
    /// Of the batches that were handed over, the oldest first.
    private var inWriting: CircularBuffer<PendingChanges> = []
    private var isWriting: Bool { !inWriting.isEmpty }

    /// - Parameter index: goes on when nothing is left to be written.
    init(storage: Storage, index: SearchIndexer, logger: Logger) {
        self.storage = storage
        self.index = index
        self.logger = logger
    }

    /// Stores the mail with the next batch, then calls `completion` on the event loop.
    func write(_ accepted: AcceptedMail, then completion: @escaping Completion) {
        mail.append((accepted, completion))
        schedule()
    }

    /// The owner of the mailbox has seen the message, or cannot forward it.
    func settle(_ id: MessageID, in session: KnownPeer, as state: StoredState = .seen) {
        changes.settled.append(.init(message: id, session: session, state: state))
        if !isWriting { writeLater(in: Self.settlementDelay) }
    }

    /// The owner of the mailbox is new, or something of it has changed. It is stored before any mail for it is.
    func save(_ session: KnownPeer) {
        changes.sessions[session.mailbox] = session
        schedule()
    }

    /// Moves what waits for the old session into the mailbox of its heir, and removes the old mailbox.
    ///
    /// - Parameter completion: called on the event loop when it is done.
    func merge(_ old: KnownPeer, into heir: KnownPeer, then completion: @escaping () -> Void) {
        changes.merges.append(.init(old: old, heir: heir, completion: completion))
        schedule()
    }

    private func writeLater(in delay: TimeAmount) {
        guard !isScheduled, delayedWrite == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        delayedWrite = storage.eventLoop.scheduleTask(in: delay) { bound.value.writeBatch() }
    }

    private func schedule() {
        guard !isWriting, !isScheduled else { return }
        isScheduled = true
        // At the end of this turn, so that frames that were read together are written together.
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.execute { bound.value.writeBatch() }
    }

    private func takeMail(weighing limit: Int) -> [(mail: AcceptedMail, completion: Completion)] {
        var taken: [(mail: AcceptedMail, completion: Completion)] = []
        var weight = 0
        while weight < limit, let next = mail.popFirst() {
            weight += StorageLoad.weight(ofMessage: next.mail.content.bytes)
            taken.append(next)
        }
        return taken
    }

    /// Hands over what waits, so that whatever is asked of the storage next comes after it.
    func flush() {
        write(most: .max)
    }

    private func writeBatch() {
        write(most: mustWriteChangesAlone && !changes.isEmpty ? 0 : StorageLoad.batch)
    }

    /// - Parameter weight: of mail; the changes are little.
    private func write(most weight: Int) {
        isScheduled = false
        mustWriteChangesAlone = false
        delayedWrite?.cancel()
        delayedWrite = nil
        guard !mail.isEmpty || !changes.isEmpty else { return }
        let accepted = takeMail(weighing: weight)
        let written = changes
        changes = PendingChanges()
        inWriting.append(written)
        // What was settled in a mailbox is written before that is merged into another, where it would wait again: also
        // when the batch fails that it was handed over with.
        let settled = written.merges.isEmpty ? written.settled : inWriting.flatMap(\.settled)
        let batch = MailBatch(
            mail: accepted.map { mail, _ in
                .init(
                    id: mail.id,
                    content: mail.content,
                    depth: mail.depth,
                    mailboxes: mail.currentRecipients.map(\.mailbox),
                    key: mail.key,
                    isOnlyLookedFor: mail.refusal != nil
                )
            },
            written,
            settled
        )
        storage.perform { store in
            try store.commitWithoutUnfit(batch)
        } then: { [self] outcome in
            inWriting.removeFirst()
            if case .failure(let error) = outcome {
                if !written.isEmpty { logger.error("changes could not be stored, and will be with the next: \(error)") }
                changes.addBack(written)
                mustWriteChangesAlone = !accepted.isEmpty
            } else {
                for merge in written.merges { merge.completion() }
            }
            // The disk goes on while the receivers get what it has written.
            if !mail.isEmpty { writeBatch() }
            for (index, (_, completion)) in accepted.enumerated() { completion(outcome.flatMap { $0[index] }) }
            if !isWriting { goOn(after: outcome.map { _ in }) }
        }
    }

    // MARK: What is not on disk

    /// The messages of the mailbox, newer than `last`, that are settled and may be read from it as if they were not.
    func unwrittenMessages(in session: KnownPeer, after last: MessageID? = nil) -> Set<MessageID> {
        var messages: Set<MessageID> = []
        func add(_ settlement: PendingChanges.Settlement) {
            guard settlement.session === session, last.map({ settlement.message > $0 }) ?? true else { return }
            messages.insert(settlement.message)
        }
        for batch in inWriting { batch.settled.forEach(add) }
        changes.settled.forEach(add)
        return messages
    }

    /// All that is settled and may be read as if it were not.
    var unwritten: UnwrittenSettlements {
        var unwritten = UnwrittenSettlements()
        for batch in inWriting { batch.settled.forEach { unwritten.add($0) } }
        changes.settled.forEach { unwritten.add($0) }
        return unwritten
    }

    private func goOn(after outcome: Result<Void, any Error>) {
        if !mail.isEmpty {
            writeBatch()
        } else if changes.isEmpty {
            index.storageIsIdle()
        } else if case .failure = outcome {
            writeLater(in: Self.retryDelay)
        } else if changes.isUrgent {
            writeBatch()
        } else {
            writeLater(in: Self.settlementDelay)
        }
    }
}
