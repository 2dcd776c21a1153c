import InterSessionCore
import NIOCore

/// What is written in one transaction, in this order.
struct MailBatch: Sendable {
    struct Mail: Sendable {
        let id: MessageID
        let content: MailContent
        let depth: Int
        let mailboxes: [Int64]
        let key: MailKey?
        /// It is not to be stored, only looked for by its key.
        var isOnlyLookedFor = false
    }

    /// What has become of a message in one mailbox.
    struct Settlement: Sendable {
        let message: MessageID
        let mailbox: Int64
        /// Whose mailbox has what waited in that one, where it has been merged.
        var heir: Int64?
        let state: StoredState
    }

    /// What waits in one mailbox is moved into another, and the first is no more.
    struct Merge: Sendable {
        let old: Int64
        let new: Int64
    }

    var owners: [MailboxRecord] = []
    var settled: [Settlement] = []
    var mail: [Mail] = []
    var merges: [Merge] = []
}

/// What its sender calls a message, unique among that sender's.
struct MailKey: Sendable {
    /// Of the sender.
    let mailbox: Int64
    let text: String
}

/// What has become of a message that was to be stored.
enum StoredMail: Sendable {
    /// With the frame that says all of it.
    case new(ByteBuffer)
    /// It was stored before, under this id. It is not known any more for how many it was when it was removed since.
    case known(MessageID, StoredState, recipients: Int?)
    /// It was only looked for, and is not there.
    case unknown
}
