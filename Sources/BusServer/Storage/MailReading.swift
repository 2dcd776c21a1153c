import GRDB
import InterSessionCore

/// What waits in the mailboxes, and what a server must know when it starts.
extension MailStore {
    struct Page: Sendable {
        let mail: [(id: MessageID, content: MailContent)]
        /// Nothing waits behind it.
        let isLast: Bool
    }

    /// The oldest mail of the mailbox that is newer than `last` and unseen, up to about `bytes` of it.
    mutating func page(of mailbox: Int64, after last: MessageID?, bytes: Int, count: Int) throws -> Page {
        try read { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT \(MailContent.Reader.columns)
                    FROM deliveries JOIN messages ON messages.id = deliveries.message \(MailContent.Reader.joins)
                    WHERE deliveries.mailbox = :mailbox AND deliveries.state = \(StoredState.queued.rawValue)
                        AND deliveries.message > :last
                    ORDER BY deliveries.message
                    """
            )
            let reader = try MailContent.Reader(statement)
            let rows = try Row.fetchCursor(statement, arguments: ["mailbox": mailbox, "last": last?.rowID ?? 0])
            var mail: [(id: MessageID, content: MailContent)] = []
            var size = 0
            while size < bytes, mail.count < count {
                guard let row = try rows.next() else { return Page(mail: mail, isLast: true) }
                let content = try reader.content(of: row)
                size += content.bytes
                mail.append((reader.id(of: row), content))
            }
            return Page(mail: mail, isLast: false)
        }
    }

    /// How much waits in each mailbox where something does.
    ///
    /// - Parameter settled: messages of each mailbox that do not wait any more, whatever the database says.
    mutating func waiting(except settled: [Int64: Set<MessageID>] = [:]) throws -> [Int64: Int] {
        let counts = try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT mailbox, COUNT(*) AS count FROM deliveries
                    WHERE state = \(StoredState.queued.rawValue) GROUP BY mailbox
                    """
            )
            var counts: [Int64: Int] = [:]
            while let row = try rows.next() { counts[row["mailbox"]] = row["count"] }
            return counts
        }
        guard !settled.isEmpty else { return counts }
        var waiting: [Int64: Int] = [:]
        for (mailbox, count) in counts {
            let rest = try settled[mailbox].map { try self.waiting(in: mailbox, except: $0) } ?? count
            if rest > 0 { waiting[mailbox] = rest }
        }
        return waiting
    }

    /// How much waits in the mailbox, but for messages that are not to be counted.
    mutating func waiting(in mailbox: Int64, except uncounted: Set<MessageID> = []) throws -> Int {
        try read { database in
            try Int.fetchOne(
                database,
                sql: """
                    SELECT COUNT(*) FROM deliveries
                    WHERE mailbox = :mailbox AND state = \(StoredState.queued.rawValue)
                        AND message NOT IN (SELECT value FROM json_each(:uncounted))
                    """,
                arguments: ["mailbox": mailbox, "uncounted": Self.list(of: uncounted)]
            ) ?? 0
        }
    }

    /// The messages as json_each takes them.
    static func list(of messages: Set<MessageID>) -> String {
        "[\(messages.map { String($0.rowID) }.joined(separator: ","))]"
    }

    /// What a server must know when it starts.
    struct Memory: Sendable {
        var records: [MailboxRecord] = []
        var lastMessage: MessageID?
        var lastMailbox: Int64 = 0
        /// The newest automatic messages, oldest first.
        var depths: [(id: MessageID, depth: Int)] = []
    }

    mutating func memory(of mostDepths: Int) throws -> Memory {
        try read { database in
            var memory = Memory()
            let records = try Row.fetchCursor(
                database,
                sql: "SELECT \(MailboxRecord.columns) FROM mailboxes ORDER BY last_seen"
            )
            while let row = try records.next() { if let record = MailboxRecord(row) { memory.records.append(record) } }
            memory.lastMailbox = try Self.lastMailbox(in: database)
            memory.lastMessage = try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM messages")
                .map(MessageID.init(rowID:))
            let depths = try Row.fetchCursor(
                database,
                sql: "SELECT id, depth FROM messages WHERE depth > 0 ORDER BY id DESC LIMIT :most",
                arguments: ["most": mostDepths]
            )
            while let row = try depths.next() { memory.depths.append((MessageID(rowID: row["id"]), row["depth"])) }
            memory.depths.reverse()
            return memory
        }
    }

    /// The highest number that a mailbox has, or had of which something is left.
    static func lastMailbox(in database: Database) throws -> Int64 {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT MAX(id) FROM (
                    SELECT MAX(id) AS id FROM mailboxes UNION SELECT MAX(mailbox) FROM deliveries
                    UNION SELECT MAX(mailbox) FROM keys
                )
                """
        ) ?? 0
    }
}

extension MailboxRecord {
    static let columns = "id, session_id, name, label, working_directory, last_seen, gateway, agents"

    fileprivate init?(_ row: Row) {
        guard let id = SessionID(rawValue: row["session_id"]) else { return nil }
        mailbox = row["id"]
        sessionID = id
        name = (row["name"] as String?).flatMap { SessionName(rawValue: $0) }
        label = SessionLabel(rawValue: row["label"]) ?? .none
        workingDirectory = row["working_directory"]
        lastSeen = Timestamp(stored: row["last_seen"])
        let agent = (row["gateway"] as String?).flatMap { AgentName(rawValue: $0) }
        owner = agent.map { .gateway($0) } ?? .session
        agents = (row["agents"] as String).split(separator: " ").compactMap { AgentName(rawValue: String($0)) }
    }
}
