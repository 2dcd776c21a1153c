import GRDB
import InterSessionCore

/// Writes a batch within one transaction. What is done for every message is prepared once for the batch.
struct MailWriter {
    private let database: Database
    /// They hold once the transaction is committed.
    private(set) var participants: Participants
    private let message: BulkStatement
    private let delivery: BulkStatement
    private let key: BulkStatement
    private let settlement: BulkStatement

    /// - Parameter participants: those of the batch before.
    init(_ database: Database, _ participants: Participants) throws {
        self.database = database
        self.participants = participants
        message = try BulkStatement(
            "INSERT INTO messages (id, sender, recipient, in_reply_to, depth, text) VALUES (?, ?, ?, ?, ?, ?)",
            in: database
        )
        delivery = try BulkStatement(
            "INSERT INTO deliveries (message, mailbox, state) VALUES (?, ?, \(StoredState.queued.rawValue))",
            in: database
        )
        key = try BulkStatement("INSERT INTO keys (mailbox, key, message) VALUES (?, ?, ?)", in: database)
        settlement = try BulkStatement(
            "UPDATE deliveries SET state = ?1 WHERE message = ?2 AND mailbox = ?3 AND \(Self.isOpen)",
            in: database
        )
    }

    /// Neither seen nor returned. What has expired may be seen after all.
    private static let isOpen =
        "state NOT IN (\(StoredState.seen.rawValue), \(StoredState.returned.rawValue))"

    /// The message that the sender has called so, and how far it has got.
    func find(_ key: MailKey) throws -> StoredMail? {
        let row = try Row.fetchOne(
            try database.cachedStatement(
                sql: """
                    SELECT message, (
                        SELECT MIN(state) FROM deliveries WHERE deliveries.message = keys.message
                    ) AS state
                    FROM keys WHERE mailbox = :mailbox AND key = :key
                    """
            ),
            arguments: ["mailbox": key.mailbox, "key": key.text]
        )
        return row.map { row in
            .known(MessageID(rowID: row["message"]), (row["state"] as Int?).flatMap(StoredState.init) ?? .seen)
        }
    }

    mutating func insert(_ mail: MailBatch.Mail) throws {
        let id = BulkStatement.Value.integer(mail.id.rowID)
        switch mail.content {
        case .message(let content):
            let sender = try participants.number(
                of: .init(sessionID: content.from, name: content.fromName, label: content.fromLabel),
                usedBy: mail.id,
                in: database
            )
            let recipient = try content.toSessionID.map { sessionID in
                try participants.number(
                    of: .init(sessionID: sessionID, name: content.to ?? "", label: ""),
                    usedBy: mail.id,
                    in: database
                )
            }
            try message.run(
                id,
                .integer(sender),
                recipient.map { .integer($0) } ?? .null,
                content.inReplyTo.map { .text($0) } ?? .null,
                .integer(Int64(mail.depth)),
                .text(content.text)
            )
        case .notice(let notice): try message.run(id, .null, .null, .null, .integer(0), .text(notice.text))
        }
        for mailbox in mail.mailboxes { try delivery.run(id, .integer(mailbox)) }
        if let name = mail.key { try key.run(.integer(name.mailbox), .text(name.text), id) }
    }

    func settle(_ change: MailBatch.Settlement) throws {
        let state = BulkStatement.Value.integer(Int64(change.state.rawValue))
        let message = BulkStatement.Value.integer(change.message.rowID)
        let mailbox = BulkStatement.Value.integer(change.mailbox)
        try settlement.run(state, message, mailbox)
        guard let heir = change.heir else { return }
        // It may have been moved there meanwhile. A copy that the heir had of its own is not this one, which stays then.
        try BulkStatement(
            """
            UPDATE deliveries SET state = ?1 WHERE message = ?2 AND mailbox = ?3 AND \(Self.isOpen)
                AND NOT EXISTS (SELECT 1 FROM deliveries old WHERE old.message = ?2 AND old.mailbox = ?4)
            """,
            in: database
        )
        .run(state, message, .integer(heir), mailbox)
    }

    func save(_ record: MailboxRecord) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO mailboxes
                    (id, session_id, name, label, working_directory, last_seen, gateway, agents)
                VALUES (:id, :session_id, :name, :label, :working_directory, :last_seen, :gateway, :agents)
                """
        )
        .execute(arguments: [
            "id": record.mailbox,
            "session_id": record.sessionID.rawValue,
            "name": record.name?.rawValue,
            "label": record.label.rawValue,
            "working_directory": record.workingDirectory,
            "last_seen": record.lastSeen.stored,
            "gateway": record.owner.gatewayAgent?.rawValue,
            "agents": record.agents.map(\.rawValue).joined(separator: " "),
        ])
    }

    func merge(_ merge: MailBatch.Merge) throws {
        guard merge.old != merge.new else { return }
        try database.execute(
            sql: """
                UPDATE OR IGNORE deliveries SET mailbox = :new
                WHERE mailbox = :old AND state = \(StoredState.queued.rawValue)
                """,
            arguments: ["new": merge.new, "old": merge.old]
        )
        // A broadcast to both is one message now.
        try database.execute(
            sql: """
                UPDATE deliveries SET state = \(StoredState.seen.rawValue)
                WHERE mailbox = :old AND state = \(StoredState.queued.rawValue)
                """,
            arguments: ["old": merge.old]
        )
        try database.execute(sql: "DELETE FROM mailboxes WHERE id = :old", arguments: ["old": merge.old])
    }
}

extension Timestamp {
    /// The moment as a database keeps it.
    var stored: Int64 { Int64(clamping: microseconds) }

    init(stored microseconds: Int64) {
        self.init(microseconds: UInt64(max(0, microseconds)))
    }
}
