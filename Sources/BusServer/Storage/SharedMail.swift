import GRDB
import InterSessionCore
import Logging
import Platform

/// Mail that is not in the store of its bus yet, and is brought into it at the start: that of 0.1.0, which kept that of all
/// ports in one file, and what a server has rescued whose place another had taken.
///
/// A server of 0.1.0 may be started again by a client that has outlived an update, so every start looks for it.
struct SharedMail {
    private let directory: DataDirectory
    private let logger: Logger

    init(of directory: DataDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    /// Brings what is there into the bus of that port: that of 0.1.0 if this bus is the one to have it, and nobody uses it.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`; what is there stays there then, and no server starts that would not
    ///   know of it.
    func takeOver(for port: Int) throws {
        let place = directory.bus(port: port)
        try Directory.ensurePrivate(place)
        try takeOverShared(for: port, into: place)
        for name in Directory.entries(place) where Self.isImport(name) {
            try bringIn("\(place)/\(name)", "\(place)/mail.sqlite")
        }
    }

    private static let prefix = "import."
    private static let suffix = ".sqlite"

    private static func isImport(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

    /// A path in the directory of a bus, for a database that its next server brings in.
    static func importPath(in place: String) -> String {
        "\(place)/\(prefix)\(Secret.hexadecimal(bytes: 6))\(suffix)"
    }

    /// Whether there is a database that the next server of the bus brings in.
    static func isWaiting(in place: String) -> Bool {
        Directory.entries(place).contains(where: isImport)
    }

    // MARK: 0.1.0

    private func takeOverShared(for port: Int, into place: String) throws {
        guard isThere else { return }
        let owner = directory.portOfSharedMail
        guard owner == port else {
            return logger.warning(
                "mail of version 0.1.0 lies in \(directory.path); the bus on port \(owner) takes it over at its next start"
            )
        }
        // Another server may be at it, which is then the one to have it.
        guard let lock = try FileLock.tryLock(directory.sharedMailLock), isThere else { return }
        if File.exists(directory.sharedMail) {
            guard try moveDatabase(into: place) else { return }
        }
        try takeOverLog(into: "\(place)/messages.log")
        withExtendedLifetime(lock) {}
    }

    private var isThere: Bool { File.exists(directory.sharedMail) || File.exists(directory.sharedMessageLog) }

    /// Moves the database to where only this bus looks for it.
    ///
    /// - Returns: false where a server of 0.1.0 uses it.
    private func moveDatabase(into place: String) throws -> Bool {
        let shared = directory.sharedMail
        do {
            try MailDatabase.withNobodyElse(in: shared) { try File.rename(shared, to: Self.importPath(in: place)) }
            logger.notice("took over the mail of version 0.1.0")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            logger.warning(
                "a server of version 0.1.0 uses '\(shared)'; what it holds is taken over at the next start without one"
            )
            return false
        } catch let error where MailDatabase.isDamage(error) {
            let place = try MailDatabase.moveAside(shared)
            logger.error("the mail of version 0.1.0 was damaged and is at \(place) now; messages.log has its text")
        }
        return true
    }

    // MARK: Bringing in

    private func bringIn(_ source: String, _ path: String) throws {
        do {
            try MailDatabase.migrate(source)
        } catch let error where MailDatabase.isDamage(error) {
            let place = try MailDatabase.moveAside(source)
            return logger.error("mail that was to be brought in was damaged and is at \(place) now")
        }
        if File.exists(path) {
            let count = try copy(source, into: path)
            logger.notice("brought in \(count) messages")
            File.remove(source)
        } else {
            try File.rename(source, to: path)
        }
    }

    /// Copies all messages and sessions. What is there already is left as it is, so that a copy which was cut off may be
    /// made again.
    private func copy(_ shared: String, into path: String) throws -> Int {
        let database = try MailDatabase(path)
        defer { database.close() }
        return try database.writeBeside(shared) { try SharedMailCopy($0).run() }
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
