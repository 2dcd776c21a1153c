import GRDB
import InterSessionCore

/// What becomes of mail that grows old, or too much.
extension MailStore {
    /// What has been removed because of its age.
    struct Expiry: Sendable {
        var expired = 0
        var removed = 0
        /// The mailboxes of sessions that nobody has seen for as long.
        var mailboxes: Set<Int64> = []
        /// There is more to remove.
        var isUnfinished = false
    }

    /// Mail that nobody has seen expires when it is older than mail is kept; what was seen is removed at that age, and
    /// what has expired at twice that age.
    mutating func expire(at now: Timestamp, sparing live: Set<Int64>) throws -> Expiry {
        let retention = retention
        let cutoff = MessageID(at: now - retention).rowID
        let lastCutoff = MessageID(at: now - retention * 2).rowID
        return try survivingDamage { store in
            try store.database.write { database in
                var expiry = Expiry()
                try database.execute(
                    sql: "UPDATE deliveries SET state = 2 WHERE state = 0 AND message < ?",
                    arguments: [cutoff]
                )
                expiry.expired = database.changesCount
                let old = try Int64.fetchAll(
                    database,
                    sql: """
                        SELECT id FROM messages WHERE id < ?
                            OR id < ? AND id NOT IN (SELECT message FROM deliveries WHERE state = 2) LIMIT ?
                        """,
                    arguments: [lastCutoff, cutoff, Self.mostRemovals]
                )
                try Self.remove(old, from: database)
                expiry.removed = old.count
                expiry.isUnfinished = old.count == Self.mostRemovals
                try database.execute(sql: "DELETE FROM keys WHERE message < ?", arguments: [cutoff])
                let gone = try Int64.fetchAll(
                    database,
                    sql: """
                        SELECT id FROM mailboxes WHERE last_seen < ?
                            AND id NOT IN (SELECT mailbox FROM deliveries WHERE state = 0)
                        """,
                    arguments: [Int64((now - retention).microseconds)]
                )
                expiry.mailboxes = Set(gone).subtracting(live)
                for mailbox in expiry.mailboxes {
                    try database.execute(sql: "DELETE FROM mailboxes WHERE id = ?", arguments: [mailbox])
                }
                return expiry
            }
        }
    }

    /// As many messages as are removed at once: the others wait no longer than for this.
    private static let mostRemovals = 1000

    /// Removes the oldest messages that all their receivers have seen when the file has grown too large.
    ///
    /// - Throws: ``Full`` when there are none: what nobody has seen is not given up for what comes later.
    func makeRoom() throws {
        guard try usedBytes() > sizeLimit else { return }
        let removed = try database.write { database in
            let seen = try Int64.fetchAll(
                database,
                sql: """
                    SELECT id FROM messages WHERE id NOT IN (SELECT message FROM deliveries WHERE state = 0)
                    ORDER BY id LIMIT ?
                    """,
                arguments: [Self.mostRemovals]
            )
            try Self.remove(seen, from: database)
            return seen.count
        }
        guard removed > 0 else { throw Full(limit: sizeLimit) }
    }

    private func usedBytes() throws -> Int {
        try database.read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0)
        }
    }

    private static func remove(_ messages: [Int64], from database: Database) throws {
        let indexed = try Int64.fetchOne(database, sql: "SELECT message FROM search_progress") ?? 0
        for id in messages {
            if id <= indexed {
                // The index has no copy of the text: it must be told what to forget.
                try database.cachedStatement(
                    sql: """
                        INSERT INTO search (search, rowid, text)
                        SELECT 'delete', id, \(Self.indexedText) FROM messages WHERE id = ?
                        """
                )
                .execute(arguments: [id])
            }
            try database.cachedStatement(sql: "DELETE FROM messages WHERE id = ?").execute(arguments: [id])
            try database.cachedStatement(sql: "DELETE FROM deliveries WHERE message = ?").execute(arguments: [id])
        }
    }
}
