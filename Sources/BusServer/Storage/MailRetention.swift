import GRDB
import InterSessionCore

/// What becomes of mail that grows old, or too much.
extension MailStore {
    /// What has become of old mail.
    struct Expiry: Sendable {
        var expired = 0
        var removed = 0
        /// Mailboxes in which mail waits again that had expired by a calendar which was wrong.
        var revived: Set<Int64> = []
        /// The mailboxes of sessions that nobody has seen for as long as mail is kept, and for which nothing waits, nor
        /// would if the calendar were set back.
        var unused: Set<Int64> = []
        /// There is more to do.
        var isUnfinished = false
    }

    /// Mail that nobody has seen expires when it is older than mail is kept. What was seen is removed at that age, and
    /// what has expired when it has been so for as long again: so nothing that was not seen is removed in the pass that
    /// finds it old.
    mutating func expire(at now: Timestamp) throws -> Expiry {
        let oldest = now - retention
        let cutoff = MessageID(at: oldest).rowID
        let expiry = try write { database in
            var expiry = Expiry()
            expiry.revived = try Self.revive(from: cutoff, in: database)
            expiry.expired = try Self.expire(before: cutoff, at: now, in: database)
            let old = try Self.removable(before: cutoff, expiredBefore: oldest, in: database)
            try Self.remove(old, from: database)
            expiry.removed = old.count
            expiry.isUnfinished = old.count == Self.mostRemovals || expiry.expired == Self.mostRemovals
            if expiry.isUnfinished { return expiry }
            // A key lives as long as its message, which may be taken for new without it.
            try database.execute(
                sql: """
                    DELETE FROM keys WHERE message < :cutoff
                        AND NOT EXISTS (SELECT 1 FROM messages WHERE id = keys.message)
                    """,
                arguments: ["cutoff": cutoff]
            )
            _ = try Participants.removeUnused(from: database)
            expiry.unused = try Self.unusedMailboxes(since: oldest, in: database)
            return expiry
        } bytes: {
            ($0.removed + $0.expired) * 1024
        }
        forgetParticipants()
        return expiry
    }

    /// What has expired, and is young by the calendar of now, expired by one that was wrong: it waits again.
    private static func revive(from cutoff: Int64, in database: Database) throws -> Set<Int64> {
        let expired = "state = \(StoredState.expired.rawValue) AND message >= :cutoff"
        let mailboxes = try Int64.fetchAll(
            database,
            sql: "SELECT DISTINCT mailbox FROM deliveries WHERE \(expired)",
            arguments: ["cutoff": cutoff]
        )
        guard !mailboxes.isEmpty else { return [] }
        try database.execute(
            sql: """
                UPDATE deliveries SET state = \(StoredState.queued.rawValue), expired_at = NULL WHERE \(expired)
                """,
            arguments: ["cutoff": cutoff]
        )
        return Set(mailboxes)
    }

    private static func expire(before cutoff: Int64, at now: Timestamp, in database: Database) throws -> Int {
        try database.execute(
            sql: """
                UPDATE deliveries SET state = \(StoredState.expired.rawValue), expired_at = :now
                WHERE (message, mailbox) IN (
                    SELECT message, mailbox FROM deliveries
                    WHERE state = \(StoredState.queued.rawValue) AND message < :cutoff LIMIT :most
                )
                """,
            arguments: ["now": now.stored, "cutoff": cutoff, "most": mostRemovals]
        )
        return database.changesCount
    }

    /// Old messages that wait for nobody, nor would if the calendar were set back by as long as mail is kept.
    private static func removable(
        before cutoff: Int64,
        expiredBefore oldest: Timestamp,
        in database: Database
    ) throws -> [Int64] {
        try Int64.fetchAll(
            database,
            sql: """
                SELECT id FROM messages WHERE id < :cutoff AND NOT EXISTS (
                    SELECT 1 FROM deliveries WHERE deliveries.message = messages.id AND (
                        state = \(StoredState.queued.rawValue)
                        OR state = \(StoredState.expired.rawValue) AND expired_at >= :oldest
                    )
                ) LIMIT :most
                """,
            arguments: ["cutoff": cutoff, "oldest": oldest.stored, "most": mostRemovals]
        )
    }

    private static func unusedMailboxes(since oldest: Timestamp, in database: Database) throws -> Set<Int64> {
        let mailboxes = try Int64.fetchAll(
            database,
            sql: """
                SELECT id FROM mailboxes WHERE last_seen < :oldest
                    AND id NOT IN (SELECT mailbox FROM deliveries WHERE state = \(StoredState.queued.rawValue))
                    AND id NOT IN (SELECT mailbox FROM deliveries WHERE state = \(StoredState.expired.rawValue))
                """,
            arguments: ["oldest": oldest.stored]
        )
        return Set(mailboxes)
    }

    /// Removes the mailboxes of sessions that the registry has forgotten, unless something waits there all the same.
    mutating func remove(mailboxes: Set<Int64>) throws {
        try write { database in
            for mailbox in mailboxes {
                try database.execute(
                    sql: """
                        DELETE FROM mailboxes WHERE id = :mailbox AND NOT EXISTS (
                            SELECT 1 FROM deliveries WHERE mailbox = :mailbox
                                AND state IN (\(StoredState.queued.rawValue), \(StoredState.expired.rawValue))
                        )
                        """,
                    arguments: ["mailbox": mailbox]
                )
            }
        } bytes: {
            mailboxes.count * 100
        }
    }

    // MARK: The calendar

    mutating func calendar() throws -> CalendarCheck {
        try read { database in
            let row = try Row.fetchOne(database, sql: "SELECT seen, doubted_since, believed_for, since FROM calendar")
            guard let row else { return CalendarCheck() }
            return CalendarCheck(
                seen: Timestamp(stored: row["seen"]),
                doubtedSince: (row["doubted_since"] as Int64?).map(Timestamp.init(stored:)),
                believedFor: .microseconds(row["believed_for"] as Int64),
                since: (row["since"] as Int64?).map(Timestamp.init(stored:))
            )
        }
    }

    /// Keeps what is known of a calendar that was looked at.
    mutating func save(_ calendar: CalendarCheck) throws {
        guard let seen = calendar.seen else { return }
        try write { database in
            try database.execute(sql: "DELETE FROM calendar")
            try database.execute(
                sql: """
                    INSERT INTO calendar (seen, doubted_since, believed_for, since)
                    VALUES (:seen, :doubted_since, :believed_for, :since)
                    """,
                arguments: [
                    "seen": seen.stored,
                    "doubted_since": calendar.doubtedSince?.stored,
                    "believed_for": Int64(calendar.believedFor / .microseconds(1)),
                    "since": calendar.since?.stored,
                ]
            )
        } bytes: {
            100
        }
    }

    // MARK: Room

    /// As many messages as are removed at once: the others wait no longer than for this.
    private static let mostRemovals = 1000

    /// Removes the oldest messages that all their receivers have seen when the file has grown too large.
    ///
    /// - Throws: ``Full`` when there are none: what nobody has seen is not given up for what comes later.
    mutating func makeRoom() throws {
        guard try usedBytes() > sizeLimit else { return }
        let removed = try write { database in
            let seen = try Int64.fetchAll(
                database,
                sql: """
                    SELECT id FROM messages
                    WHERE id NOT IN (SELECT message FROM deliveries WHERE state = \(StoredState.queued.rawValue))
                    ORDER BY id LIMIT :most
                    """,
                arguments: ["most": Self.mostRemovals]
            )
            try Self.remove(seen, from: database)
            return seen.count
        }
        guard removed > 0 else { throw Full(limit: sizeLimit) }
    }

    private static func remove(_ messages: [Int64], from database: Database) throws {
        let indexed = try lastIndexed(in: database)
        for id in messages {
            if id <= indexed {
                // The index has no copy of the text: it must be told what to forget.
                try database.cachedStatement(
                    sql: """
                        INSERT INTO search (search, rowid, text)
                        SELECT 'delete', id, \(Self.indexedText) FROM messages WHERE id = :id
                        """
                )
                .execute(arguments: ["id": id])
            }
            try database.cachedStatement(sql: "DELETE FROM messages WHERE id = :id").execute(arguments: ["id": id])
            try database.cachedStatement(sql: "DELETE FROM deliveries WHERE message = :id").execute(
                arguments: ["id": id]
            )
        }
    }
}
