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
        try survivingDamage { store in
            try store.database.read { database in
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT \(MailContent.columns)
                        FROM deliveries JOIN messages ON messages.id = deliveries.message \(MailContent.joins)
                        WHERE deliveries.mailbox = ? AND deliveries.state = 0 AND deliveries.message > ?
                        ORDER BY deliveries.message
                        """
                )
                let rows = try Row.fetchCursor(statement, arguments: [mailbox, last?.rowID ?? 0])
                var mail: [(id: MessageID, content: MailContent)] = []
                var size = 0
                while size < bytes, mail.count < count {
                    guard let row = try rows.next() else { return Page(mail: mail, isLast: true) }
                    let id = MessageID(rowID: row[0])
                    let content = try MailContent(row)
                    size += content.bytes
                    mail.append((id, content))
                }
                return Page(mail: mail, isLast: false)
            }
        }
    }

    /// How much waits in each mailbox where something does.
    mutating func waiting() throws -> [Int64: Int] {
        try survivingDamage { store in
            try store.database.read { database in
                let rows = try Row.fetchCursor(
                    database,
                    sql: "SELECT mailbox, COUNT(*) FROM deliveries WHERE state = 0 GROUP BY mailbox"
                )
                var counts: [Int64: Int] = [:]
                while let row = try rows.next() { counts[row[0]] = row[1] }
                return counts
            }
        }
    }

    mutating func waiting(in mailbox: Int64) throws -> Int {
        try survivingDamage { store in
            try store.database.read { database in
                try Int.fetchOne(
                    database,
                    sql: "SELECT COUNT(*) FROM deliveries WHERE mailbox = ? AND state = 0",
                    arguments: [mailbox]
                ) ?? 0
            }
        }
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
        try survivingDamage { store in
            try store.database.read { database in
                var memory = Memory()
                let owners = try Row.fetchCursor(database, sql: "SELECT * FROM mailboxes ORDER BY last_seen")
                while let row = try owners.next() {
                    if let record = MailboxRecord(row) { memory.records.append(record) }
                }
                memory.lastMailbox =
                    try Int64.fetchOne(
                        database,
                        sql:
                            """
                            SELECT MAX(id) FROM (
                                SELECT MAX(id) AS id FROM mailboxes UNION SELECT MAX(mailbox) FROM deliveries
                                UNION SELECT MAX(mailbox) FROM keys
                            )
                            """
                    ) ?? 0
                memory.lastMessage = try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM messages")
                    .map(MessageID.init(rowID:))
                let depths = try Row.fetchCursor(
                    database,
                    sql: "SELECT id, depth FROM messages WHERE depth > 0 ORDER BY id DESC LIMIT ?",
                    arguments: [mostDepths]
                )
                while let row = try depths.next() { memory.depths.append((MessageID(rowID: row[0]), row[1])) }
                memory.depths.reverse()
                return memory
            }
        }
    }
}

extension Timestamp {
    /// The moment as a database keeps it.
    init(stored microseconds: Int64) {
        self.init(microseconds: UInt64(max(0, microseconds)))
    }
}

extension MailboxRecord {
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
