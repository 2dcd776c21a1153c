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

    /// The frame for a peer that knows these features; nil where it could not read it.
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
    /// Reads messages from the rows of one statement. Where its columns are is found once.
    struct Reader {
        /// What must be selected, of `messages` with ``joins``. Others chose what is in the blobs.
        static let columns = """
            messages.id AS id, sender.session_id AS sender_id, sender.name AS sender_name, sender.label AS sender_label,
            recipient.session_id AS recipient_id, recipient.name AS recipient_name,
            CAST(messages.in_reply_to AS BLOB) AS in_reply_to, messages.depth AS depth,
            CAST(messages.text AS BLOB) AS text
            """
        static let joins = """
            LEFT JOIN parties sender ON sender.id = messages.sender
            LEFT JOIN parties recipient ON recipient.id = messages.recipient
            """

        private let id, senderID, senderName, senderLabel, recipientID, recipientName, inReplyTo, depth, text: Int

        init(_ statement: Statement) throws {
            func index(_ column: String) throws -> Int {
                guard let index = statement.index(ofColumn: column) else {
                    throw DatabaseError(message: "no column is called '\(column)'", sql: statement.sql)
                }
                return index
            }
            id = try index("id")
            senderID = try index("sender_id")
            senderName = try index("sender_name")
            senderLabel = try index("sender_label")
            recipientID = try index("recipient_id")
            recipientName = try index("recipient_name")
            inReplyTo = try index("in_reply_to")
            depth = try index("depth")
            text = try index("text")
        }

        func id(of row: Row) -> MessageID { MessageID(rowID: row[id]) }

        func content(of row: Row) throws -> MailContent {
            let id = id(of: row)
            let text = try row.text(at: text) ?? ""
            guard let sender = row[senderID] as String? else {
                return .notice(.init(id: id.description, timestamp: id.time.iso8601, text: text))
            }
            var message = ServerFrame.Message(
                id: id.description,
                from: sender,
                fromName: row[senderName],
                fromLabel: row[senderLabel],
                to: row[recipientName],
                toSessionID: row[recipientID],
                text: text,
                timestamp: id.time.iso8601
            )
            message.inReplyTo = try row.text(at: inReplyTo)
            message.isAutomatic = (row[depth] as Int) > 0
            return .message(message)
        }
    }
}
