import InterSessionCore

/// What is put into a mailbox: a message of a session, or word of the bus itself.
enum MailContent: Sendable {
    case message(ServerFrame.Message)
    case notice(ServerFrame.Notice)

    var bytes: Int {
        switch self {
        case .message(let message): message.text.utf8.count
        case .notice(let notice): notice.text.utf8.count
        }
    }

    /// The frame for an agent that knows these features; nil where it could not read it.
    func frame(for features: Features) -> ServerFrame? {
        switch self {
        case .message(var message):
            if !features.contains(.replies) {
                message.inReplyTo = nil
                message.isAutomatic = false
            }
            return .message(message)
        case .notice(let notice):
            return features.contains(.notices) ? .notice(notice) : nil
        }
    }
}

/// Mail that passed every rule, on its way through the journal to its recipients.
struct AcceptedMail {
    let id: MessageID
    let content: MailContent
    /// Of a chain of automatic messages; 0 for one that is not automatic.
    var depth = 0
    let recipients: [KnownSession]
    /// Nil for the bus itself.
    var origin: Origin?

    /// Whose frame it was, and what is to be answered.
    struct Origin {
        let connection: Connection
        let ref: String?
        /// How long the answer may wait for the receiver to see it.
        var receiptWithin: Duration?
    }
}
