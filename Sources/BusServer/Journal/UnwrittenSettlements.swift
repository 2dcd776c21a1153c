import InterSessionCore

/// What has become of messages whose mailboxes do not say so yet.
struct UnwrittenSettlements {
    private var states: [Int64: [MessageID: StoredState]] = [:]

    mutating func add(_ settlement: PendingChanges.Settlement) {
        states[settlement.session.mailbox, default: [:]][settlement.message] = settlement.state
    }

    /// Nil where the mailbox says it.
    func state(of message: MessageID, in mailbox: Int64) -> StoredState? {
        states[mailbox]?[message]
    }

    /// The messages of each mailbox.
    var messages: [Int64: Set<MessageID>] {
        states.mapValues { Set($0.keys) }
    }
}
