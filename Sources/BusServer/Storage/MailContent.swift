import GRDB
import InterSessionCore

/// What is put into a mailbox: a message of a session, or word of the bus itself.
/// Indirect, since it is handed on often: a copy is one reference.
indirect enum MailContent: Sendable {
    case message(ServerFrame.Message)
    case notice(ServerFrame.Notice)

    var bytes: Int {
        switch self {
        case .message(let message): message.text.utf8.count
        case .notice(let notice): notice.text.utf8.count
        }
    }

    /// With all that it says.
    var frame: ServerFrame {
        switch self {
        case .message(let message): .message(message)
        case .notice(let notice): .notice(notice)
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
        case .notice:
            return features.contains(.notices) ? frame : nil
        }
    }

    /// Whether everybody gets the frame with all that it says.
    var isPlain: Bool {
        if case .message(let message) = self { return message.inReplyTo == nil && !message.isAutomatic }
        return false
    }
}

extension MailContent {
    /// What must be selected, of `messages` with these joins. As a string a text would end at its first U+0000.
    static let columns = """
        messages.id, sender.session_id, sender.name, sender.label, recipient.session_id, recipient.name,
        messages.in_reply_to, messages.depth, CAST(messages.text AS BLOB)
        """
    static let joins = """
        LEFT JOIN parties sender ON sender.id = messages.sender
        LEFT JOIN parties recipient ON recipient.id = messages.recipient
        """

    init(_ row: Row) throws {
        let id = MessageID(rowID: row[0])
        let text = try row.withUnsafeData(atIndex: 8) { $0.map { String(decoding: $0, as: UTF8.self) } ?? "" }
        guard let sender = row[1] as String? else {
            self = .notice(.init(id: id.description, timestamp: id.time.iso8601, text: text))
            return
        }
        var message = ServerFrame.Message(
            id: id.description,
            from: sender,
            fromName: row[2],
            fromLabel: row[3],
            to: row[5],
            toSessionID: row[4],
            text: text,
            timestamp: id.time.iso8601
        )
        message.inReplyTo = row[6]
        message.isAutomatic = (row[7] as Int) > 0
        self = .message(message)
    }
}
