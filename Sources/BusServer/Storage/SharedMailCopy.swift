import GRDB
import InterSessionCore

/// Copies the attached database `shared` into the main one. Each numbers mailboxes and parties by itself: a session is
/// the same where its id is, else its name.
struct SharedMailCopy {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    /// - Returns: how many messages were not there before.
    func run() throws -> Int {
        let mailboxes = try copyMailboxes()
        try copyParties()
        let indexed = try MailStore.lastIndexed(in: database)
        let ids = try Int64.fetchAll(database, sql: "SELECT id FROM shared.messages ORDER BY id")
        var count = 0
        for id in ids {
            let (new, isNew) = try copyMessage(id)
            if isNew {
                count += 1
                // The index goes on from its end, and would pass over what is older.
                if new <= indexed { try index(new) }
            }
            try copyDeliveries(of: id, as: new, mailboxes)
        }
        return count
    }

    /// - Returns: the mailbox that each of the shared ones is in this database.
    private func copyMailboxes() throws -> [Int64: Int64] {
        var mailboxes: [Int64: Int64] = [:]
        var last = try MailStore.lastMailbox(in: database)
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT \(MailboxRecord.columns) FROM shared.mailboxes ORDER BY last_seen"
        )
        for row in rows {
            let old: Int64 = row["id"]
            if let known = try find(row) {
                mailboxes[old] = known
                try database.execute(
                    sql: "UPDATE mailboxes SET last_seen = MAX(last_seen, :last_seen) WHERE id = :id",
                    arguments: ["last_seen": row["last_seen"] as Int64, "id": known]
                )
            } else {
                last += 1
                mailboxes[old] = last
                try database.execute(
                    sql: """
                        INSERT INTO mailboxes (id, session_id, name, label, working_directory, last_seen, gateway, agents)
                        SELECT :new, session_id, name, label, working_directory, last_seen, gateway, agents
                        FROM shared.mailboxes WHERE id = :old
                        """,
                    arguments: ["new": last, "old": old]
                )
            }
        }
        return mailboxes
    }

    private func find(_ row: Row) throws -> Int64? {
        if let gateway = row["gateway"] as String? {
            return try Int64.fetchOne(
                database,
                sql: "SELECT id FROM main.mailboxes WHERE gateway = :gateway",
                arguments: ["gateway": gateway]
            )
        }
        return try Int64.fetchOne(
            database,
            sql: """
                SELECT id FROM main.mailboxes WHERE gateway IS NULL AND (session_id = :id OR name = :name)
                ORDER BY session_id = :id DESC, last_seen DESC
                """,
            arguments: ["id": row["session_id"] as String, "name": row["name"] as String?]
        )
    }

    private func copyParties() throws {
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO main.parties (session_id, name, label, last_used)
                SELECT session_id, name, label, last_used FROM shared.parties;
                CREATE TEMP TABLE same_parties AS
                SELECT old.id AS old, new.id AS new FROM shared.parties old JOIN main.parties new
                    ON new.session_id = old.session_id AND new.name = old.name AND new.label = old.label;
                CREATE INDEX temp.by_old ON same_parties (old);
                UPDATE main.parties SET last_used = MAX(
                    last_used,
                    COALESCE(
                        (SELECT MAX(last_used) FROM shared.parties JOIN same_parties ON old = shared.parties.id
                            WHERE new = main.parties.id),
                        0
                    )
                );
                """
        )
    }

    /// - Returns: its id here, and whether it was not here before.
    private func copyMessage(_ id: Int64) throws -> (id: Int64, isNew: Bool) {
        var new = id
        while true {
            let isSame = try Bool.fetchOne(
                try database.cachedStatement(
                    sql: """
                        SELECT here.text = there.text AND here.sender IS (
                            SELECT new FROM same_parties WHERE old = there.sender
                        )
                        FROM main.messages here JOIN shared.messages there ON there.id = :there WHERE here.id = :here
                        """
                ),
                arguments: ["there": id, "here": new]
            )
            guard let isSame else { break }
            if isSame { return (new, false) }
            // Two servers gave it at one moment.
            new += 1
        }
        try database.cachedStatement(
            sql: """
                INSERT INTO main.messages (id, sender, recipient, in_reply_to, depth, text)
                SELECT :new, (SELECT new FROM same_parties WHERE old = sender),
                    (SELECT new FROM same_parties WHERE old = recipient), in_reply_to, depth, text
                FROM shared.messages WHERE id = :old
                """
        )
        .execute(arguments: ["new": new, "old": id])
        return (new, true)
    }

    private func copyDeliveries(of id: Int64, as new: Int64, _ mailboxes: [Int64: Int64]) throws {
        let deliveries = try Row.fetchAll(
            try database.cachedStatement(
                sql: "SELECT mailbox, state, expired_at FROM shared.deliveries WHERE message = :id"
            ),
            arguments: ["id": id]
        )
        for row in deliveries {
            // That of a session which was forgotten keeps its number of before, which says only that it was there.
            let mailbox: Int64 = row["mailbox"]
            try database.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO deliveries (message, mailbox, state, expired_at)
                    VALUES (:message, :mailbox, :state, :expired_at)
                    """
            )
            .execute(arguments: [
                "message": new,
                "mailbox": mailboxes[mailbox] ?? -mailbox,
                "state": row["state"] as Int,
                "expired_at": row["expired_at"] as Int64?,
            ])
        }
        let keyed = try Int64.fetchAll(
            try database.cachedStatement(sql: "SELECT mailbox FROM shared.keys WHERE message = :id"),
            arguments: ["id": id]
        )
        for old in keyed {
            guard let mailbox = mailboxes[old] else { continue }
            try database.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO keys (mailbox, key, message)
                    SELECT :mailbox, key, :message FROM shared.keys WHERE message = :id AND mailbox = :old
                    """
            )
            .execute(arguments: ["mailbox": mailbox, "message": new, "id": id, "old": old])
        }
    }

    private func index(_ id: Int64) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO search (rowid, text)
                SELECT id, \(MailStore.indexedText) FROM main.messages WHERE id = :id
                """
        )
        .execute(arguments: ["id": id])
    }
}
