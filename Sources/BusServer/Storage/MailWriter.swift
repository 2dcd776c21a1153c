import GRDB
import InterSessionCore
import NIOCore

/// Writes a batch within one transaction. What is done for every message is prepared once for the batch.
struct MailWriter {
    private let database: Database
    /// They hold once the transaction is committed.
    private(set) var participants: Participants
    /// What is to be logged once the transaction is committed.
    private(set) var records: [Record] = []
    private let message: BulkStatement
    private let delivery: BulkStatement
    private let key: BulkStatement
    private let settlement: BulkStatement

    /// Of a message, for messages.log.
    struct Record {
        let id: MessageID
        let frame: ByteBuffer
        let recipients: Int
    }

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
        let row = try BulkStatement(
            """
            SELECT message, (SELECT MIN(state) FROM deliveries WHERE deliveries.message = keys.message),
                (SELECT COUNT(*) FROM deliveries WHERE deliveries.message = keys.message),
                EXISTS (SELECT 1 FROM messages WHERE messages.id = keys.message)
            FROM keys WHERE mailbox = ? AND key = ?
            """,
            in: database
        )
        .firstRow(.integer(key.mailbox), .text(key.text))
        guard let row, let message = row[0] else { return nil }
        let isThere = row[3] == 1
        return .known(
            MessageID(rowID: message),
            // What was for nobody waits; what was removed had been seen.
            row[1].flatMap { StoredState(rawValue: Int($0)) } ?? (isThere ? .queued : .seen),
            recipients: isThere ? row[2].map { Int($0) } : nil
        )
    }

    /// Stores the message, unless it is known by its key, or only looked for.
    ///
    /// - Parameter frame: of its content.
    mutating func store(_ mail: MailBatch.Mail, _ frame: ByteBuffer) throws -> StoredMail {
        if let key = mail.key, let known = try find(key) { return known }
        if mail.isOnlyLookedFor { return .unknown }
        try insert(mail)
        // What the bus itself says is between it and the session.
        if case .message = mail.content {
            records.append(Record(id: mail.id, frame: frame, recipients: mail.mailboxes.count))
        }
        return .new(frame)
    }

    /// Stores the message so that what it fails with leaves nothing of it behind, and fails nothing else.
    ///
    /// - Parameter isItsOwn: whether an error lies in the message; any other is thrown.
    mutating func storeApart(
        _ mail: MailBatch.Mail,
        _ frame: ByteBuffer,
        orFailWhere isItsOwn: (DatabaseError) -> Bool
    ) throws -> Result<StoredMail, any Error> {
        let before = self
        do {
            var stored = StoredMail.unknown
            try database.inSavepoint {
                stored = try store(mail, frame)
                return .commit
            }
            return .success(stored)
        } catch let error as DatabaseError where isItsOwn(error) {
            self = before
            return .failure(error)
        }
    }

    private mutating func insert(_ mail: MailBatch.Mail) throws {
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
        // What has expired may wait again when the calendar is set back.
        let unseen = "state IN (\(StoredState.queued.rawValue), \(StoredState.expired.rawValue))"
        try database.execute(
            sql: "UPDATE OR IGNORE deliveries SET mailbox = :new WHERE mailbox = :old AND \(unseen)",
            arguments: ["new": merge.new, "old": merge.old]
        )
        // A broadcast to both is one message now.
        try database.execute(
            sql: "DELETE FROM deliveries WHERE mailbox = :old AND \(unseen)",
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
