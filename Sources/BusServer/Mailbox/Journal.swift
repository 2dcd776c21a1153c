import InterSessionCore
import NIOCore

/// Makes accepted mail last before anybody hears of it, in the order of its acceptance.
///
/// What arrives within one turn of the event loop, or while a batch is being written, is the next batch: one
/// transaction, with the acknowledgements of that time.
final class Journal {
    private let storage: Storage
    private var mail: CircularBuffer<AcceptedMail> = []
    private var settled: [MailBatch.Settlement] = []
    private var isScheduled = false
    private var settlement: Scheduled<Void>?
    /// How long what was settled may wait for more of it. Nobody waits for it, and a commit of its own for each would
    /// write some pages of the database each time. What is lost with the process is told again.
    private static let settlementDelay: TimeAmount = .milliseconds(20)
    private var batchesInWriting = 0
    private var isWriting: Bool { batchesInWriting > 0 }
    /// Called on the event loop for all mail whose fate is decided.
    var onOutcome: (AcceptedMail, Result<StoredMail, any Error>) -> Void = { _, _ in }
    /// Called when acknowledgements could not be written down; their mail will come again.
    var onLostAcknowledgements: (any Error) -> Void = { _ in }
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
    func settle(_ id: MessageID, in mailbox: Int64, as state: StoredState = .seen) {
        settled.append(.init(message: id, mailbox: mailbox, state: state))
        if !isWriting { settleLater() }
    }

    private func settleLater() {
        guard !isScheduled, settlement == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        settlement = storage.eventLoop.scheduleTask(in: Self.settlementDelay) { bound.value.writeBatch() }
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
    private static let batchBytes = Connection.mostUnsettled / 2

    private func takeMail(bytes limit: Int) -> [AcceptedMail] {
        var taken: [AcceptedMail] = []
        var bytes = 0
        while bytes < limit, let next = mail.popFirst() {
            bytes += Connection.weight(ofMessage: next.content.bytes)
            taken.append(next)
        }
        return taken
    }

    /// Hands over what waits, so that whatever is asked of the storage next comes after it.
    func flush() {
        write(most: .max)
    }

    private func writeBatch() {
        write(most: Self.batchBytes)
    }

    /// - Parameter bytes: of mail; what was settled is little.
    private func write(most bytes: Int) {
        isScheduled = false
        settlement?.cancel()
        settlement = nil
        guard !mail.isEmpty || !settled.isEmpty else { return }
        batchesInWriting += 1
        let accepted = takeMail(bytes: bytes)
        let batch = MailBatch(
            mail: accepted.map {
                .init(
                    id: $0.id,
                    content: $0.content,
                    depth: $0.depth,
                    mailboxes: $0.recipients.map(\.mailbox),
                    key: $0.key
                )
            },
            settled: settled
        )
        settled = []
        storage.perform { store in
            try store.commit(batch)
        } then: { [self] outcome in
            batchesInWriting -= 1
            if !batch.settled.isEmpty, case .failure(let error) = outcome { onLostAcknowledgements(error) }
            for (index, mail) in accepted.enumerated() { onOutcome(mail, outcome.map { $0[index] }) }
            if mail.isEmpty, settled.isEmpty {
                onIdle()
            } else if mail.isEmpty {
                settleLater()
            } else {
                writeBatch()
            }
        }
    }
}
