import GRDB
import InterSessionCore

/// A message of the past. Its receivers are named by the mailboxes, whose owners the registry knows.
struct ArchivedMail: Sendable {
    let id: MessageID
    let message: ServerFrame.Message
    let bytes: Int
    let deliveries: [(mailbox: Int64, state: StoredState)]
    let key: String?
}

/// What to look for in the archive. Every part that is there narrows it.
struct ArchiveQuery: Sendable {
    /// Name or id of a session that sent or received it.
    var with: String?
    var since: MessageID?
    /// Words that are all in it.
    var words: [String] = []
    /// The mailbox that has it waiting.
    var unseenIn: Int64?
    var limit: Int
}

/// Looking back: `show` and `log`.
extension MailStore {
    /// The whole message; nil when there is none, or no more.
    mutating func message(_ id: MessageID) throws -> ArchivedMail? {
        try survivingDamage { store in
            try store.database.read { database in
                try Row.fetchOne(
                    database,
                    sql: "SELECT \(MailContent.columns) FROM messages \(MailContent.joins) WHERE messages.id = ?",
                    arguments: [id.rowID]
                )
                .flatMap { try ArchivedMail($0, textLimit: .max, in: database) }
            }
        }
    }

    /// The newest messages that fit, oldest first, and how many there are.
    mutating func search(_ query: ArchiveQuery) throws -> (found: [ArchivedMail], total: Int) {
        try survivingDamage { store in
            try store.database.read { database in
                let (condition, arguments) = Self.condition(query)
                let rows = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT \(MailContent.columns) FROM messages \(MailContent.joins)
                        WHERE \(condition) ORDER BY messages.id DESC LIMIT \(query.limit)
                        """,
                    arguments: arguments
                )
                var found: [ArchivedMail] = []
                var size = 0
                // The answer is one frame.
                while size < WireLimits.frame / 4, let row = try rows.next() {
                    guard let mail = try ArchivedMail(row, textLimit: WireLimits.logText, in: database) else {
                        continue
                    }
                    size += mail.message.text.utf8.count + 1024
                    found.append(mail)
                }
                guard query.unseenIn != nil else { return (found.reversed(), found.count) }
                let total = try Int.fetchOne(
                    database,
                    sql: "SELECT COUNT(*) FROM messages \(MailContent.joins) WHERE \(condition)",
                    arguments: arguments
                )
                return (found.reversed(), total ?? found.count)
            }
        }
    }

    private static func condition(_ query: ArchiveQuery) -> (sql: String, arguments: StatementArguments) {
        var conditions = ["messages.sender IS NOT NULL"]
        var arguments: StatementArguments = []
        if let since = query.since {
            conditions.append("messages.id >= ?")
            arguments += [since.rowID]
        }
        if let mailbox = query.unseenIn {
            conditions.append("messages.id IN (SELECT message FROM deliveries WHERE mailbox = ? AND state = 0)")
            arguments += [mailbox]
        }
        if let session = query.with {
            conditions.append("? IN (sender.name, sender.session_id, recipient.name, recipient.session_id)")
            arguments += [session]
        }
        if !query.words.isEmpty {
            // Each word quoted is a word and nothing else to the index.
            let words = query.words.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: " ")
            conditions.append("messages.id IN (SELECT rowid FROM search WHERE search MATCH ?)")
            arguments += [words]
        }
        return (conditions.joined(separator: " AND "), arguments)
    }

    /// Adds the oldest messages that are not in the index to it, a few at a time, so that nobody waits long for it.
    ///
    /// - Returns: whether there are more.
    mutating func extendIndex() throws -> Bool {
        try survivingDamage { store in
            try store.database.write { database in
                let last = try Int64.fetchOne(database, sql: "SELECT message FROM search_progress") ?? 0
                let rows = try Row.fetchCursor(
                    database,
                    sql: "SELECT id, \(Self.indexedText) FROM messages WHERE id > ? ORDER BY id",
                    arguments: [last]
                )
                let insert = try database.cachedStatement(sql: "INSERT INTO search (rowid, text) VALUES (?,?)")
                var end: Int64?
                var bytes = 0
                while bytes < Self.indexStep, let row = try rows.next() {
                    let text: String = row[1]
                    try insert.execute(arguments: [row[0] as Int64, text])
                    bytes += text.utf8.count + 64
                    end = row[0]
                }
                guard let end else { return false }
                try database.execute(sql: "UPDATE search_progress SET message = ?", arguments: [end])
                return bytes >= Self.indexStep
            }
        }
    }

    /// Words are looked for in the beginning of a text: what is longer is data, and would keep everybody waiting.
    static let indexedText = "substr(text, 1, \(WireLimits.logText))"
    /// Bytes that are indexed at once: some milliseconds.
    private static let indexStep = 128 * 1024
}

extension ArchivedMail {
    fileprivate init?(_ row: Row, textLimit: Int, in database: Database) throws {
        guard case .message(var message) = try MailContent(row) else { return nil }
        bytes = message.text.utf8.count
        if bytes > textLimit { message.text = message.text.prefix(bytes: textLimit) }
        id = MessageID(rowID: row[0])
        self.message = message
        let rows = try Row.fetchCursor(
            try database.cachedStatement(sql: "SELECT mailbox, state FROM deliveries WHERE message = ?"),
            arguments: [id.rowID]
        )
        var deliveries: [(mailbox: Int64, state: StoredState)] = []
        while let row = try rows.next() { deliveries.append((row[0], StoredState(rawValue: row[1]) ?? .queued)) }
        self.deliveries = deliveries
        key = try String.fetchOne(
            try database.cachedStatement(sql: "SELECT key FROM keys WHERE message = ?"),
            arguments: [id.rowID]
        )
    }
}

extension String {
    /// As many whole characters from the beginning as fit into so many bytes.
    fileprivate func prefix(bytes limit: Int) -> String {
        var end = utf8.index(startIndex, offsetBy: limit, limitedBy: endIndex) ?? endIndex
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
