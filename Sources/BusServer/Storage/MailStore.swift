import GRDB
import InterSessionCore
import NIOCore

/// The mail on disk: the database, and messages.log beside it. It is used on the storage's thread alone.
struct MailStore {
    struct Full: Error, CustomStringConvertible {
        let limit: Int
        var description: String {
            "the mail that nobody has seen yet fills the \(limit / 1_048_576) MiB that mail may take; "
                + "let its receivers come back, or raise INTER_SESSION_MAIL_MAX_MIB"
        }
    }

    private let path: String
    let sizeLimit: Int
    let retention: Duration
    private(set) var database: DatabaseQueue
    private var checkpointer: Checkpointer
    private var log: MessageLog
    private var participants = Participants()
    /// Where the former database is, when it was damaged and an empty one begun.
    private var formerPlace: String?

    /// Opens the mail that is kept in a directory. A database that is damaged is moved aside, and an empty one begun.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``MailDatabase/Failure``. The database is as it was then.
    init(in directory: String, _ settings: MailSettings) throws {
        try Directory.ensurePrivate(directory)
        path = "\(directory)/mail.sqlite"
        sizeLimit = settings.sizeLimit
        retention = settings.retention
        log = try MessageLog(path: "\(directory)/messages.log")
        if MailDatabase.isNoFileOfOurs(path) { formerPlace = try MailDatabase.moveAside(path) }
        do {
            (database, checkpointer) = try MailDatabase.open(path)
        } catch let error where MailDatabase.isDamage(error) {
            formerPlace = try MailDatabase.moveAside(path)
            (database, checkpointer) = try MailDatabase.open(path)
        }
    }

    /// Says once where the former database is now, after it was replaced because it was damaged.
    mutating func takeFormerPlace() -> String? {
        defer { formerPlace = nil }
        return formerPlace
    }

    // MARK: Writing

    /// About what an acknowledgement or a session writes.
    private static let changeBytes = 100

    /// Writes all of the batch or nothing, into the database and into messages.log.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``Full``: such as a full disk.
    mutating func commit(_ batch: MailBatch) throws -> [StoredMail] {
        let frames = batch.mail.map { $0.content.frame.encode() }
        let stored = try survivingDamage { store in
            if !batch.mail.isEmpty { try store.makeRoom() }
            try store.log.rotateIfFull()
            let end = store.log.size
            var participants = store.participants
            var stored: [StoredMail] = []
            do {
                try store.database.write { database in
                    for owner in batch.owners { try Self.save(owner, in: database) }
                    for settlement in batch.settled { try Self.settle(settlement, in: database) }
                    var records: [(frame: ByteBuffer, recipients: Int)] = []
                    for (mail, frame) in zip(batch.mail, frames) {
                        if let key = mail.key, let known = try Self.find(key, in: database) {
                            stored.append(known)
                            continue
                        }
                        if mail.isOnlyLookedFor {
                            stored.append(.unknown)
                            continue
                        }
                        try Self.insert(mail, &participants, into: database)
                        stored.append(.new(frame))
                        // What the bus itself says is between it and the session.
                        if case .message = mail.content { records.append((frame, mail.mailboxes.count)) }
                    }
                    for merge in batch.merges { try Self.merge(merge, in: database) }
                    try store.log.append(records)
                }
            } catch {
                // A record of a message that was not accepted would be a lie that `grep` finds.
                try store.log.cut(to: end)
                throw error
            }
            store.participants = participants
            return stored
        }
        let changes = batch.settled.count + batch.owners.count + batch.merges.count
        checkpointer.committed(bytes: frames.reduce(0) { $0 + $1.readableBytes } + changes * Self.changeBytes)
        return stored
    }

    /// The message that the sender has called so, and how far it has got.
    private static func find(_ key: MailKey, in database: Database) throws -> StoredMail? {
        let row = try Row.fetchOne(
            try database.cachedStatement(
                sql: """
                    SELECT message, (SELECT MIN(state) FROM deliveries WHERE deliveries.message = keys.message)
                    FROM keys WHERE mailbox = ? AND key = ?
                    """
            ),
            arguments: [key.mailbox, key.text]
        )
        return row.map { .known(MessageID(rowID: $0[0]), ($0[1] as Int?).flatMap(StoredState.init) ?? .seen) }
    }

    private static func insert(_ mail: MailBatch.Mail, _ participants: inout Participants, into database: Database)
        throws
    {
        let statement = try BulkStatement(
            "INSERT INTO messages (id, sender, recipient, in_reply_to, depth, text) VALUES (?,?,?,?,?,?)",
            in: database
        )
        let id = BulkStatement.Value.integer(mail.id.rowID)
        switch mail.content {
        case .message(let message):
            let sender = try participants.number(
                of: .init(sessionID: message.from, name: message.fromName, label: message.fromLabel),
                usedBy: mail.id,
                in: database
            )
            let recipient = try message.toSessionID.map { sessionID in
                try participants.number(
                    of: .init(sessionID: sessionID, name: message.to ?? "", label: ""),
                    usedBy: mail.id,
                    in: database
                )
            }
            try statement.run(
                id,
                .integer(sender),
                recipient.map { .integer($0) } ?? .null,
                message.inReplyTo.map { .text($0) } ?? .null,
                .integer(Int64(mail.depth)),
                .text(message.text)
            )
        case .notice(let notice): try statement.run(id, .null, .null, .null, .integer(0), .text(notice.text))
        }
        let delivery = try BulkStatement(
            "INSERT INTO deliveries (message, mailbox, state) VALUES (?,?,0)",
            in: database
        )
        for mailbox in mail.mailboxes { try delivery.run(id, .integer(mailbox)) }
        guard let key = mail.key else { return }
        try BulkStatement("INSERT INTO keys (mailbox, key, message) VALUES (?,?,?)", in: database)
            .run(.integer(key.mailbox), .text(key.text), id)
    }

    private static func settle(_ settlement: MailBatch.Settlement, in database: Database) throws {
        // Also what has expired: it was seen after all.
        try BulkStatement(
            "UPDATE deliveries SET state = ? WHERE message = ? AND mailbox = ? AND state NOT IN (1, 3)",
            in: database
        )
        .run(
            .integer(Int64(settlement.state.rawValue)),
            .integer(settlement.message.rowID),
            .integer(settlement.mailbox)
        )
        guard let heir = settlement.heir else { return }
        // It may have been moved there meanwhile. A copy that the heir had of its own is not this one, which stays then.
        try BulkStatement(
            """
            UPDATE deliveries SET state = ? WHERE message = ? AND mailbox = ? AND state NOT IN (1, 3)
                AND NOT EXISTS (SELECT 1 FROM deliveries old WHERE old.message = ? AND old.mailbox = ?)
            """,
            in: database
        )
        .run(
            .integer(Int64(settlement.state.rawValue)),
            .integer(settlement.message.rowID),
            .integer(heir),
            .integer(settlement.message.rowID),
            .integer(settlement.mailbox)
        )
    }

    private static func save(_ owner: MailboxRecord, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO mailboxes
                    (id, session_id, name, label, working_directory, last_seen, gateway, agents)
                VALUES (?,?,?,?,?,?,?,?)
                """
        )
        .execute(arguments: [
            owner.mailbox, owner.sessionID.rawValue, owner.name?.rawValue, owner.label.rawValue,
            owner.workingDirectory, Int64(clamping: owner.lastSeen.microseconds), owner.owner.gatewayAgent?.rawValue,
            owner.agents.map(\.rawValue).joined(separator: " "),
        ])
    }

    private static func merge(_ merge: MailBatch.Merge, in database: Database) throws {
        guard merge.old != merge.new else { return }
        try database.execute(
            sql: "UPDATE OR IGNORE deliveries SET mailbox = ? WHERE mailbox = ? AND state = 0",
            arguments: [merge.new, merge.old]
        )
        // A broadcast to both is one message now.
        try database.execute(
            sql: "UPDATE deliveries SET state = 1 WHERE mailbox = ? AND state = 0",
            arguments: [merge.old]
        )
        try database.execute(sql: "DELETE FROM mailboxes WHERE id = ?", arguments: [merge.old])
    }

    /// The last thing that is done: SQLite tidies its files up.
    func close() {
        checkpointer.close()
        try? database.close()
    }

    /// Writes all mail into a new file, which the next server of the bus brings in: somebody has removed or replaced the
    /// database, and the open one ends with this process. Another server may have begun one there already.
    func rescue() throws {
        let place = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        try Directory.ensurePrivate(place)
        let unfinished = "\(SharedMail.importPath(in: place)).tmp"
        _ = try File.openForAppending(unfinished)
        let copy = try DatabaseQueue(path: unfinished)
        try database.backup(to: copy)
        try copy.close()
        try File.rename(unfinished, to: String(unfinished.dropLast(".tmp".utf8.count)))
    }

    /// Notes that something else than mail was written.
    func wrote(bytes: Int) {
        checkpointer.committed(bytes: bytes)
    }

    /// Nothing is to be written for now: SQLite's log is made short.
    func rest() {
        checkpointer.rest()
    }

    /// The participants of messages that were removed are forgotten with them.
    mutating func forgetParticipants() {
        participants = Participants()
    }

    // MARK: Damage

    /// Does `body`. When it finds the database damaged, that is moved aside and `body` done again on an empty one.
    mutating func survivingDamage<Result>(_ body: (inout MailStore) throws -> Result) throws -> Result {
        do {
            return try body(&self)
        } catch let error where MailDatabase.isDamage(error) {
            close()
            let place = try MailDatabase.moveAside(path)
            (database, checkpointer) = try MailDatabase.open(path)
            participants = Participants()
            formerPlace = place
            return try body(&self)
        }
    }
}
