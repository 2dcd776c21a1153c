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
    /// Messages that do not wait there any more, whatever the database says.
    var settled: Set<MessageID> = []
    var limit: Int
}

/// Looking back: `show` and `log`.
extension MailStore {
    /// The whole message; nil when there is none, or no more.
    mutating func message(_ id: MessageID) throws -> ArchivedMail? {
        try read { database in
            try Self.archived("messages.id = :id", ["id": id.rowID], textLimit: .max, in: database).next()
        }
    }

    /// The newest messages that fit, oldest first, and how many there are.
    mutating func search(_ query: ArchiveQuery) throws -> (found: [ArchivedMail], total: Int) {
        try read { database in
            let (condition, arguments) = Self.condition(query)
            let mail = try Self.archived(
                "\(condition) ORDER BY messages.id DESC LIMIT \(query.limit)",
                arguments,
                textLimit: WireLimits.logText,
                in: database
            )
            var found: [ArchivedMail] = []
            var size = 0
            // The answer is one frame.
            while size < WireLimits.frame / 4, let next = try mail.next() {
                size += next.message.text.utf8.count + 1024
                found.append(next)
            }
            guard query.unseenIn != nil else { return (found.reversed(), found.count) }
            let total = try Int.fetchOne(
                database,
                sql: "SELECT COUNT(*) FROM messages \(MailContent.Reader.joins) WHERE \(condition)",
                arguments: arguments
            )
            return (found.reversed(), total ?? found.count)
        }
    }

    /// The messages, and no notices, that meet a condition.
    private static func archived(
        _ condition: String,
        _ arguments: StatementArguments,
        textLimit: Int,
        in database: Database
    ) throws -> AnyCursor<ArchivedMail> {
        let statement = try database.makeStatement(
            sql: """
                SELECT \(MailContent.Reader.columns) FROM messages \(MailContent.Reader.joins) WHERE \(condition)
                """
        )
        let reader = try MailContent.Reader(statement)
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        return AnyCursor(rows.compactMap { try ArchivedMail($0, reader, textLimit: textLimit, in: database) })
    }

    private static func condition(_ query: ArchiveQuery) -> (sql: String, arguments: StatementArguments) {
        var conditions = ["messages.sender IS NOT NULL"]
        var arguments: StatementArguments = [:]
        if let since = query.since {
            conditions.append("messages.id >= :since")
            arguments += ["since": since.rowID]
        }
        if let mailbox = query.unseenIn {
            conditions.append(
                """
                messages.id IN (
                    SELECT message FROM deliveries WHERE mailbox = :mailbox AND state = \(StoredState.queued.rawValue)
                        AND message NOT IN (SELECT value FROM json_each(:settled))
                )
                """
            )
            arguments += ["mailbox": mailbox, "settled": list(of: query.settled)]
        }
        if let session = query.with {
            conditions.append(":session IN (sender.name, sender.session_id, recipient.name, recipient.session_id)")
            arguments += ["session": session]
        }
        if !query.words.isEmpty {
            // Each word quoted is a word and nothing else to the index.
            let words = query.words.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: " ")
            conditions.append("messages.id IN (SELECT rowid FROM search WHERE search MATCH :words)")
            arguments += ["words": words]
        }
        return (conditions.joined(separator: " AND "), arguments)
    }

    /// Adds the oldest messages that are not in the index to it, a few at a time, so that nobody waits long for it.
    ///
    /// - Returns: whether there are more.
    mutating func extendIndex() throws -> Bool {
        try write { database in
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT id, \(Self.indexedText) AS text FROM messages WHERE id > :last ORDER BY id",
                arguments: ["last": try Self.lastIndexed(in: database)]
            )
            let insert = try database.cachedStatement(sql: "INSERT INTO search (rowid, text) VALUES (:id, :text)")
            var end: Int64?
            var bytes = 0
            while bytes < Self.indexStep, let row = try rows.next() {
                let (id, text): (Int64, String) = (row["id"], row["text"])
                try insert.execute(arguments: ["id": id, "text": text])
                bytes += text.utf8.count + 64
                end = id
            }
            guard let end else { return false }
            try database.execute(sql: "UPDATE search_progress SET message = :end", arguments: ["end": end])
            return bytes >= Self.indexStep
        }
    }

    /// The message up to which the index is complete.
    static func lastIndexed(in database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT message FROM search_progress") ?? 0
    }

    /// Words are looked for in the beginning of a text: what is longer is data, and would keep everybody waiting.
    static let indexedText = "substr(text, 1, \(WireLimits.logText))"
    /// Bytes that are indexed at once: some milliseconds.
    private static let indexStep = 128 * 1024
}

extension ArchivedMail {
    /// - Returns: nil for a notice, which is between the bus and the session.
    fileprivate init?(_ row: Row, _ reader: MailContent.Reader, textLimit: Int, in database: Database) throws {
        guard case .message(var message) = try reader.content(of: row) else { return nil }
        bytes = message.text.utf8.count
        if bytes > textLimit { message.text = message.text.prefix(bytes: textLimit) }
        id = reader.id(of: row)
        self.message = message
        let rows = try Row.fetchCursor(
            try database.cachedStatement(sql: "SELECT mailbox, state FROM deliveries WHERE message = :id"),
            arguments: ["id": id.rowID]
        )
        var deliveries: [(mailbox: Int64, state: StoredState)] = []
        while let row = try rows.next() {
            deliveries.append((row["mailbox"], StoredState(rawValue: row["state"]) ?? .queued))
        }
        self.deliveries = deliveries
        let keys = try Row.fetchCursor(
            try database.cachedStatement(sql: "SELECT CAST(key AS BLOB) FROM keys WHERE message = :id"),
            arguments: ["id": id.rowID]
        )
        key = try keys.next()?.text(at: 0)
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
