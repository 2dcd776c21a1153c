import GRDB
import InterSessionCore
import Platform

/// mail.sqlite: how it is opened, the one way to it, and what becomes of a file that cannot be used.
struct MailDatabase {
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

    let path: String
    private let queue: DatabaseQueue
    private let checkpointer: Checkpointer

    // MARK: Opening and closing

    /// Opens the database and brings its schema up to date.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``Failure``.
    init(_ path: String) throws {
        self.path = path
        Self.removeAliases(beside: path)
        // SQLite gives its side files the mode of this one.
        _ = try File.openForAppending(path)
        (queue, checkpointer) = try Self.whenUnlocked(path) {
            let queue = try Self.connect(path)
            try Self.migrate(queue)
            return (queue, try Checkpointer(try Self.connect(path)))
        }
    }

    private static func whenUnlocked<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let giveUp = ContinuousClock.now + patience
        while true {
            do {
                return try body()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                // SQLite itself has waited for seconds.
                guard .now < giveUp else { throw Failure.locked(path: path) }
            }
        }
    }

    /// SQLite follows links. Whoever made one of its side files one could have it write into any file of the user's.
    private static func removeAliases(beside path: String) {
        for file in [path + "-wal", path + "-shm"] where File.isAlias(file) { File.remove(file) }
    }

    private static func connect(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // NORMAL survives the death of the process; a power cut may cost the last moments, and never the file.
            // Pages of 16 KiB take 3.2 µs for a message of 200 bytes in a batch and 1.0 ms for one of 1 MiB; SQLite's
            // own 4 KiB take 6.0 µs and 2.6 ms (release build, medians).
            // SQLite as some systems build it writes zeros over all that is removed: making room for a message would put
            // as much into its log as goes.
            try database.execute(
                sql: """
                    PRAGMA page_size = 16384; PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON;
                    PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = FAST
                    """
            )
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func migrate(_ queue: DatabaseQueue) throws {
        let written = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard written <= generation else { throw Failure.newer(path: queue.path) }
        try migrator.migrate(queue)
        guard written < generation else { return }
        try queue.write { try $0.execute(sql: "PRAGMA user_version = \(generation)") }
    }

    /// The last thing that is done: SQLite tidies its files up.
    func close() {
        checkpointer.close()
        try? queue.close()
    }

    // MARK: Statements

    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try queue.read(body)
    }

    /// Does `body` in one transaction: all of it or, when it throws, nothing.
    func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try queue.write(body)
    }

    /// Bytes of the file that hold something.
    func usedBytes() throws -> Int {
        try queue.read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0)
        }
    }

    /// Notes that so much was committed.
    func committed(bytes: Int) {
        checkpointer.committed(bytes: bytes)
    }

    /// Nothing is to be written for now: SQLite's log is made short.
    func rest() {
        checkpointer.rest()
    }

    // MARK: Copies

    /// Writes all of it into another file.
    func copy(to path: String) throws {
        let copy = try DatabaseQueue(path: path)
        try queue.backup(to: copy)
        try copy.close()
    }

    /// Does `body` in one transaction that sees another database as `shared`.
    func writeBeside<Result>(_ other: String, _ body: (Database) throws -> Result) throws -> Result {
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "ATTACH DATABASE ? AS shared", arguments: [other])
            defer { try? database.execute(sql: "DETACH DATABASE shared") }
            var result: Result?
            try database.inTransaction {
                result = try body(database)
                return .commit
            }
            guard let result else { throw DatabaseError(message: "the transaction did not run") }
            return result
        }
    }

    /// Brings the schema of a database up to date that is not the bus's yet, where it is not of a later version.
    static func migrate(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try migrate(queue)
    }

    /// Does `body` while nobody else can open the database, all of which is in its one file then: whoever has it open
    /// keeps a lock on it.
    static func withNobodyElse(in path: String, _ body: () throws -> Void) throws {
        removeAliases(beside: path)
        _ = try File.openForAppending(path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA journal_mode = DELETE")
            try database.execute(sql: "BEGIN EXCLUSIVE")
            defer { try? database.execute(sql: "ROLLBACK") }
            try body()
        }
    }

    // MARK: Files that cannot be used

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
