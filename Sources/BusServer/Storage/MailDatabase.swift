import GRDB
import InterSessionCore

/// mail.sqlite: how it is opened, its schema, and what becomes of a file that cannot be used.
enum MailDatabase {
    enum Failure: Error {
        /// A later version of the bus wrote it, in a way that this one cannot read.
        case newer(path: String)
        /// Another process holds a lock on it for longer than is waited for.
        case locked(path: String)
    }

    /// What `PRAGMA user_version` says. Tables and columns may be added under it, since every statement names its columns;
    /// a change that an older version would misread raises it.
    private static let generation = 1
    /// How long a process that looks into the file, or copies it, may hold a lock at the start.
    private static let patience: Duration = .seconds(60)

    /// Opens the database and brings its schema up to date.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``Failure``.
    static func open(_ path: String) throws -> (database: DatabaseQueue, checkpointer: Checkpointer) {
        // SQLite follows links. Whoever made one of its side files one could have it write into any file of the user's.
        for file in [path + "-wal", path + "-shm"] where File.isAlias(file) { File.remove(file) }
        // SQLite gives its side files the mode of this one.
        _ = try File.openForAppending(path)
        let giveUp = ContinuousClock.now + patience
        while true {
            do {
                let database = try connect(path)
                try migrate(database)
                return (database, Checkpointer(try connect(path)))
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                // SQLite itself has waited for seconds.
                guard .now < giveUp else { throw Failure.locked(path: path) }
            }
        }
    }

    /// Brings the schema up to date, where it is not of a later version.
    static func migrate(_ database: DatabaseQueue) throws {
        let written = try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard written <= generation else { throw Failure.newer(path: database.path) }
        try migrator.migrate(database)
        guard written < generation else { return }
        try database.write { try $0.execute(sql: "PRAGMA user_version = \(generation)") }
    }

    private static func connect(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // NORMAL survives the death of the process; a power cut may cost the last moments, and never the file.
            // Pages of 16 KiB take 3.2 µs for a message of 200 bytes in a batch and 1.0 ms for one of 1 MiB; SQLite's
            // own 4 KiB take 6.0 µs and 2.6 ms (release build, medians).
            try database.execute(
                sql: """
                    PRAGMA page_size = 16384; PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON;
                    PRAGMA wal_autocheckpoint = 0
                    """
            )
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Whether there is something that no server has put there: a directory, or a link.
    static func isNoFileOfOurs(_ path: String) -> Bool {
        File.isAlias(path) || Directory.exists(path)
    }

    /// Puts a file that cannot be used out of the way, with what belongs to it, and keeps it.
    ///
    /// - Returns: where it is now.
    static func moveAside(_ path: String) throws(PlatformError) -> String {
        let time = String(Timestamp.now().iso8601.prefix(19)).replacing(":", with: "")
        let place = "\(path).damaged-\(time)-\(Secret.hexadecimal(bytes: 2))"
        try File.rename(path, to: place)
        for suffix in ["-wal", "-shm"] where File.exists(path + suffix) {
            try File.rename(path + suffix, to: place + suffix)
        }
        return place
    }

    /// Whether the error means that the file itself is beyond use. Nothing else does: a lock, a full disk or a lack of
    /// open files says nothing of the file.
    static func isDamage(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
    }

    private static var migrator: DatabaseMigrator {
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
        return migrator
    }
}

extension MailDatabase.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .newer(let path):
            "'\(path)' was written by a later version of inter-session than this one, \(InterSession.version), can read; "
                + "install that version again (install-deps of the newer plugin), or move the file away to begin anew"
        case .locked(let path):
            "another process holds a lock on '\(path)'; end it (fuser '\(path)' names it), nothing in the file is lost"
        }
    }
}
