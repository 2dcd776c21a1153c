import GRDB
import InterSessionCore
import Logging

/// The mail of 0.1.0, which kept that of all ports in one file. A server of that version may be started again by a
/// client that has outlived an update, so every start looks for it.
struct SharedMail {
    private let directory: DataDirectory
    private let logger: Logger

    init(of directory: DataDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    /// Takes what is there into the bus of that port, if it is the one to have it, and nobody uses it.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`; what is there stays there then, and no server starts that would not
    ///   know of it.
    func takeOver(for port: Int) throws {
        guard isThere, directory.portOfSharedMail == port else { return }
        // Another server may be at it, which is then the one to have it.
        guard let lock = try FileLock.tryLock(directory.sharedMailLock), isThere else { return }
        let place = directory.bus(port: port)
        try Directory.ensurePrivate(place)
        if File.exists(directory.sharedMail) {
            guard try takeOverDatabase(into: "\(place)/mail.sqlite") else { return }
        }
        try takeOverLog(into: "\(place)/messages.log")
        withExtendedLifetime(lock) {}
    }

    private var isThere: Bool { File.exists(directory.sharedMail) || File.exists(directory.sharedMessageLog) }

    // MARK: The database

    /// - Returns: false where a server of 0.1.0 uses it.
    private func takeOverDatabase(into path: String) throws -> Bool {
        let shared = directory.sharedMail
        do {
            for file in [shared + "-wal", shared + "-shm"] where File.isAlias(file) { File.remove(file) }
            _ = try File.openForAppending(shared)
            try makeOneFile(shared)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            logger.warning(
                "a server of version 0.1.0 uses '\(shared)'; what it holds is taken over at the next start without one"
            )
            return false
        } catch let error where MailDatabase.isDamage(error) {
            let place = try MailDatabase.moveAside(shared)
            logger.error("the mail of version 0.1.0 was damaged and is at \(place) now; messages.log has its text")
            return true
        }
        if File.exists(path) {
            let count = try copy(shared, into: path)
            logger.notice("took over \(count) messages of version 0.1.0")
            File.remove(shared)
        } else {
            try File.rename(shared, to: path)
            logger.notice("took over the mail of version 0.1.0")
        }
        return true
    }

    /// Brings what is in SQLite's log into the file, alone with it: whoever else has it open keeps a lock on it.
    private func makeOneFile(_ path: String) throws {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? database.close() }
        try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        // Its schema is that of the bus from now on.
        try MailDatabase.migrate(database)
    }

    /// Copies all messages and sessions. What is there already is left as it is, so that a copy which was cut off may be
    /// made again.
    private func copy(_ shared: String, into path: String) throws -> Int {
        let (database, checkpointer) = try MailDatabase.open(path)
        defer {
            checkpointer.close()
            try? database.close()
        }
        return try database.writeWithoutTransaction { database in
            try database.execute(sql: "ATTACH DATABASE ? AS shared", arguments: [shared])
            defer { try? database.execute(sql: "DETACH DATABASE shared") }
            var count = 0
            try database.inTransaction {
                count = try SharedMailCopy(database).run()
                return .commit
            }
            return count
        }
    }

    // MARK: messages.log

    /// Makes each of its files the newest of the bus, the oldest first: its records were made after the bus's own.
    private func takeOverLog(into path: String) throws {
        let rotations = stride(from: MessageLog.keptRotations, through: 1, by: -1).map { ".\($0)" }
        for suffix in rotations + [""] where File.exists(directory.sharedMessageLog + suffix) {
            if File.exists(path) {
                var log = try MessageLog(path: path)
                try log.rotate()
            }
            try File.rename(directory.sharedMessageLog + suffix, to: path)
        }
    }
}
