import GRDB
import InterSessionCore
import NIOCore
import Platform

/// The mail on disk: the database, and messages.log beside it. It is used on the storage's thread alone.
struct MailStore {
    struct Full: Error, CustomStringConvertible {
        let limit: Int
        var description: String {
            "the mail that nobody has seen yet fills the \(limit / 1_048_576) MiB that mail may take; "
                + "let its receivers come back, or raise INTER_SESSION_MAIL_MAX_MIB"
        }
    }

    let sizeLimit: Int
    let retention: Duration
    private var database: MailDatabase
    private var log: MessageLog
    private var participants = Participants()
    /// Where the former database is, when it was damaged and an empty one begun.
    private var formerPlace: String?

    /// Opens the mail that is kept in a directory. A database that is damaged is moved aside, and an empty one begun.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``MailDatabase/Failure``. The database is as it was then.
    init(in directory: String, _ settings: MailSettings) throws {
        try Directory.ensurePrivate(directory)
        let path = "\(directory)/mail.sqlite"
        sizeLimit = settings.sizeLimit
        retention = settings.retention
        log = try MessageLog(path: "\(directory)/messages.log")
        if MailDatabase.isNoFileOfOurs(path) { formerPlace = try MailDatabase.moveAside(path) }
        do {
            database = try MailDatabase(path)
        } catch let error where MailDatabase.isDamage(error) {
            formerPlace = try MailDatabase.moveAside(path)
            database = try MailDatabase(path)
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
            do {
                let (stored, participants) = try store.database.write { database in
                    var writer = try MailWriter(database, store.participants)
                    for owner in batch.owners { try writer.save(owner) }
                    for settlement in batch.settled { try writer.settle(settlement) }
                    var stored: [StoredMail] = []
                    var records: [(frame: ByteBuffer, recipients: Int)] = []
                    for (mail, frame) in zip(batch.mail, frames) {
                        if let key = mail.key, let known = try writer.find(key) {
                            stored.append(known)
                            continue
                        }
                        if mail.isOnlyLookedFor {
                            stored.append(.unknown)
                            continue
                        }
                        try writer.insert(mail)
                        stored.append(.new(frame))
                        // What the bus itself says is between it and the session.
                        if case .message = mail.content { records.append((frame, mail.mailboxes.count)) }
                    }
                    for merge in batch.merges { try writer.merge(merge) }
                    try store.log.append(records)
                    return (stored, writer.participants)
                }
                store.participants = participants
                return stored
            } catch {
                // A record of a message that was not accepted would be a lie that `grep` finds.
                try store.log.cut(to: end)
                throw error
            }
        }
        let changes = batch.settled.count + batch.owners.count + batch.merges.count
        database.committed(bytes: frames.reduce(0) { $0 + $1.readableBytes } + changes * Self.changeBytes)
        return stored
    }

    /// The last thing that is done: SQLite tidies its files up.
    func close() {
        database.close()
    }

    /// Nothing is to be written for now: SQLite's log is made short.
    func rest() {
        database.rest()
    }

    /// Writes all mail into a new file, which the next server of the bus brings in: somebody has removed or replaced the
    /// database, and the open one ends with this process. Another server may have begun one there already.
    func rescue() throws {
        let path = database.path
        let place = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        try Directory.ensurePrivate(place)
        let unfinished = "\(SharedMail.importPath(in: place)).tmp"
        _ = try File.openForAppending(unfinished)
        try database.copy(to: unfinished)
        try File.rename(unfinished, to: String(unfinished.dropLast(".tmp".utf8.count)))
    }

    /// The participants of messages that were removed are forgotten with them.
    mutating func forgetParticipants() {
        participants = Participants()
    }

    // MARK: The way to the database

    /// Reads from the database, or from an empty one when that is found to be damaged.
    mutating func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try survivingDamage { try $0.database.read(body) }
    }

    /// Does `body` in one transaction: all of it or, when it throws, nothing.
    ///
    /// - Parameter bytes: about how much was written, of what `body` returned; nil is not counted.
    mutating func write<Result>(
        _ body: (Database) throws -> Result,
        bytes: ((Result) -> Int)? = nil
    ) throws -> Result {
        let result = try survivingDamage { try $0.database.write(body) }
        if let bytes { database.committed(bytes: bytes(result)) }
        return result
    }

    /// Bytes of the database that hold something.
    func usedBytes() throws -> Int {
        try database.usedBytes()
    }

    /// Does `body`. When it finds the database damaged, that is moved aside and `body` done again on an empty one.
    private mutating func survivingDamage<Result>(_ body: (inout MailStore) throws -> Result) throws -> Result {
        do {
            return try body(&self)
        } catch let error where MailDatabase.isDamage(error) {
            database.close()
            let path = database.path
            formerPlace = try MailDatabase.moveAside(path)
            database = try MailDatabase(path)
            participants = Participants()
            return try body(&self)
        }
    }
}
