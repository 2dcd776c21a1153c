import InterSessionCore
import NIOCore

/// Makes accepted mail last before anybody hears of it, in the order of its acceptance, and with it all that the mail
/// rests on: who owns the mailboxes, and what was settled.
///
/// What arrives within one turn of the event loop, or while a batch is being written, is the next batch: one
/// transaction. When one fails, its mail is refused; the rest of it is written with the next.
final class Journal {
    private let storage: Storage
    private var mail: CircularBuffer<AcceptedMail> = []
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
    private var batchesInWriting = 0
    private var isWriting: Bool { batchesInWriting > 0 }
    /// Called on the event loop for all mail whose fate is decided.
    var onOutcome: (AcceptedMail, Result<StoredMail, any Error>) -> Void = { _, _ in }
    /// Called when what was waiting for one session is in the mailbox of another.
    var onMerged: (KnownSession) -> Void = { _ in }
    /// Called when changes could not be written, which is tried again.
    var onFailure: (any Error) -> Void = { _ in }
    /// Called when nothing is left to be written.
    var onIdle: () -> Void = {}

    init(storage: Storage) {
        self.storage = storage
    }

    func accept(_ accepted: AcceptedMail) {
        mail.append(accepted)
        schedule()
    }

    /// The owner of the mailbox has seen the message, or cannot forward it.
    func settle(_ id: MessageID, in session: KnownSession, as state: StoredState = .seen) {
        changes.settled.append(.init(message: id, session: session, state: state))
        if !isWriting { writeLater(in: Self.settlementDelay) }
    }

    /// The session is new, or something of it has changed. It is stored before any mail for it is.
    func save(_ session: KnownSession) {
        changes.sessions[session.mailbox] = session
        schedule()
    }

    /// What waits for the old session is moved into the mailbox of its heir, and the old mailbox is no more.
    func merge(_ old: KnownSession, into heir: KnownSession) {
        changes.merges.append((old, heir))
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

    /// About as much mail, in bytes of text, as is written at once. While it is, the next is read and routed: without a
    /// bound all that a sender may have unsettled is one batch, and the loop and the disk wait for each other in turn,
    /// which cost a quarter of the throughput.
    private static let batchBytes = StorageLoad.mostOfPeer / 2

    private func takeMail(bytes limit: Int) -> [AcceptedMail] {
        var taken: [AcceptedMail] = []
        var bytes = 0
        while bytes < limit, let next = mail.popFirst() {
            bytes += StorageLoad.weight(ofMessage: next.content.bytes)
            taken.append(next)
        }
        return taken
    }

    /// Hands over what waits, so that whatever is asked of the storage next comes after it.
    func flush() {
        write(most: .max)
    }

    private func writeBatch() {
        write(most: mustWriteChangesAlone && !changes.isEmpty ? 0 : Self.batchBytes)
    }

    /// - Parameter bytes: of mail; the changes are little.
    private func write(most bytes: Int) {
        isScheduled = false
        mustWriteChangesAlone = false
        delayedWrite?.cancel()
        delayedWrite = nil
        guard !mail.isEmpty || !changes.isEmpty else { return }
        batchesInWriting += 1
        let accepted = takeMail(bytes: bytes)
        let written = changes
        changes = PendingChanges()
        let batch = MailBatch(
            mail: accepted.map {
                .init(
                    id: $0.id,
                    content: $0.content,
                    depth: $0.depth,
                    mailboxes: $0.currentRecipients.map(\.mailbox),
                    key: $0.key,
                    isOnlyLookedFor: $0.refusal != nil
                )
            },
            written
        )
        storage.perform { store in
            try store.commit(batch)
        } then: { [self] outcome in
            batchesInWriting -= 1
            if case .failure(let error) = outcome {
                if !written.isEmpty { onFailure(error) }
                changes.addBack(written)
                mustWriteChangesAlone = true
            } else {
                for merge in written.merges { onMerged(merge.heir) }
            }
            // The disk goes on while the receivers get what it has written.
            if !mail.isEmpty { writeBatch() }
            for (index, mail) in accepted.enumerated() { onOutcome(mail, outcome.map { $0[index] }) }
            if !isWriting { goOn(after: outcome.map { _ in }) }
        }
    }

    private func goOn(after outcome: Result<Void, any Error>) {
        if !mail.isEmpty {
            writeBatch()
        } else if changes.isEmpty {
            onIdle()
        } else if case .failure = outcome {
            writeLater(in: Self.retryDelay)
        } else if changes.isUrgent {
            writeBatch()
        } else {
            writeLater(in: Self.settlementDelay)
        }
    }
}

/// What is to be written and is not mail. The sessions are looked at when it is written, so that what is tried again
/// never brings back what they were before.
private struct PendingChanges {
    struct Settlement {
        let message: MessageID
        let session: KnownSession
        let state: StoredState
    }

    /// By mailbox.
    var sessions: [Int64: KnownSession] = [:]
    var merges: [(old: KnownSession, heir: KnownSession)] = []
    var settled: [Settlement] = []

    var isEmpty: Bool { settled.isEmpty && !isUrgent }
    /// There is more than settlements, which may wait for each other.
    var isUrgent: Bool { !sessions.isEmpty || !merges.isEmpty }

    /// Puts what could not be written before what has come since.
    mutating func addBack(_ failed: PendingChanges) {
        sessions.merge(failed.sessions) { newer, _ in newer }
        merges.insert(contentsOf: failed.merges, at: 0)
        settled.insert(contentsOf: failed.settled, at: 0)
    }
}

extension MailBatch {
    fileprivate init(mail: [Mail], _ changes: PendingChanges) {
        self.mail = mail
        // One that was forgotten meanwhile has no mailbox any more.
        owners = changes.sessions.values.filter(\.isKnown).map(\.record)
        merges = changes.merges.map { .init(old: $0.old.mailbox, new: $0.heir.currentOwner.mailbox) }
        settled = changes.settled.map { settlement in
            let (session, owner) = (settlement.session, settlement.session.currentOwner)
            return .init(
                message: settlement.message,
                mailbox: session.mailbox,
                heir: owner === session ? nil : owner.mailbox,
                state: settlement.state
            )
        }
    }
}
