import InterSessionCore

/// What is to be written and is not mail. The sessions are looked at when it is written, so that what is tried again
/// never brings back what they were before.
struct PendingChanges {
    struct Settlement {
        let message: MessageID
        let session: KnownPeer
        let state: StoredState
    }

    struct Merge {
        let old: KnownPeer
        let heir: KnownPeer
        let completion: () -> Void
    }

    /// By mailbox.
    var sessions: [Int64: KnownPeer] = [:]
    var merges: [Merge] = []
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
    /// - Parameter settlements: those of the changes, and of earlier ones that must not come after them.
    init(mail: [Mail], _ changes: PendingChanges, _ settlements: [PendingChanges.Settlement]) {
        self.mail = mail
        // One that was forgotten meanwhile has no mailbox any more.
        owners = changes.sessions.values.filter(\.isKnown).map(\.record)
        merges = changes.merges.map { .init(old: $0.old.mailbox, new: $0.heir.currentOwner.mailbox) }
        settled = settlements.map { settlement in
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
