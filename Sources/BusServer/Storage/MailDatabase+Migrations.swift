import GRDB

/// The schema of mail.sqlite, as the versions of the bus have made it. What is here is never changed, only added to.
extension MailDatabase {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("mailboxes") { database in
            try database.execute(
                sql: """
                    CREATE TABLE mailboxes (
                        id INTEGER PRIMARY KEY,
                        session_id TEXT NOT NULL,
                        name TEXT,
                        label TEXT NOT NULL,
                        working_directory TEXT NOT NULL,
                        last_seen INTEGER NOT NULL -- microseconds since 1970, as all times here
                    );
                    CREATE TABLE parties (
                        id INTEGER PRIMARY KEY,
                        session_id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        label TEXT NOT NULL,
                        UNIQUE (session_id, name, label)
                    );
                    CREATE TABLE messages (
                        id INTEGER PRIMARY KEY, -- MessageID: its time of acceptance
                        sender INTEGER, -- of parties; NULL: a notice of the bus itself
                        recipient INTEGER, -- of parties; NULL: a broadcast or a notice
                        in_reply_to TEXT,
                        depth INTEGER NOT NULL, -- of a chain of automatic messages; 0: not automatic
                        text TEXT NOT NULL
                    );
                    CREATE INDEX automatic_messages ON messages (id, depth) WHERE depth > 0;
                    CREATE TABLE deliveries (
                        message INTEGER NOT NULL,
                        mailbox INTEGER NOT NULL,
                        state INTEGER NOT NULL, -- StoredState
                        PRIMARY KEY (message, mailbox)
                    ) WITHOUT ROWID;
                    CREATE INDEX unseen ON deliveries (mailbox, message) WHERE state = 0;
                    CREATE INDEX expired ON deliveries (message) WHERE state = 2;
                    -- Filled when there is time for it, up to the message of search_progress.
                    CREATE VIRTUAL TABLE search USING fts5 (text, content = 'messages', content_rowid = 'id');
                    CREATE TABLE search_progress (message INTEGER NOT NULL);
                    INSERT INTO search_progress VALUES (0);
                    """
            )
        }
        migrator.registerMigration("gateways") { database in
            try database.execute(
                sql: """
                    ALTER TABLE mailboxes ADD COLUMN gateway TEXT; -- the agent whose gateway owns it; NULL: a session
                    ALTER TABLE mailboxes ADD COLUMN agents TEXT NOT NULL DEFAULT ''; -- known through it, with spaces
                    -- What senders called their messages, so that a repetition is known.
                    CREATE TABLE keys (
                        mailbox INTEGER NOT NULL, -- of the sender
                        key TEXT NOT NULL,
                        message INTEGER NOT NULL,
                        PRIMARY KEY (mailbox, key)
                    ) WITHOUT ROWID;
                    CREATE INDEX keyed_messages ON keys (message);
                    """
            )
        }
        migrator.registerMigration("ageing") { database in
            try database.execute(
                sql: """
                    ALTER TABLE deliveries ADD COLUMN expired_at INTEGER; -- by the calendar; NULL: it has not expired
                    ALTER TABLE parties ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0; -- of messages, to a day
                    UPDATE parties SET last_used = (SELECT COALESCE(MAX(id), 0) FROM messages);
                    -- One row: when the calendar was looked at last, and since when it is doubted, see CalendarCheck.
                    CREATE TABLE calendar (
                        seen INTEGER NOT NULL,
                        doubted_since INTEGER,
                        believed_for INTEGER NOT NULL DEFAULT 0 -- microseconds of the doubt
                    );
                    INSERT INTO calendar (seen)
                    SELECT MAX(moment) FROM (
                        SELECT MAX(id) AS moment FROM messages UNION ALL SELECT MAX(last_seen) FROM mailboxes
                    )
                    HAVING MAX(moment) IS NOT NULL;
                    UPDATE deliveries SET expired_at = (SELECT seen FROM calendar) WHERE state = 2;
                    """
            )
        }
        migrator.registerMigration("first look") { database in
            // When the calendar was looked at first; NULL: before that was noted.
            try database.execute(sql: "ALTER TABLE calendar ADD COLUMN since INTEGER")
        }
        return migrator
    }
}
