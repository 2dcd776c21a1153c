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
    /// The newest message in the log; nil where there is none.
    private var lastLogged: MessageID?
    /// There may be messages in the database that are newer.
    private var isLogBehind = true
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
        lastLogged = MessageLog.lastID(in: "\(directory)/messages.log")
        if MailDatabase.isNoFileOfOurs(path) { formerPlace = try MailDatabase.moveAside(path) }
        do {
            database = try MailDatabase(path)
        } catch let error where MailDatabase.isDamage(error) {
            formerPlace = try MailDatabase.moveAside(path)
            database = try MailDatabase(path)
        }
        // Where there is no room it is tried again before anything is accepted.
        try? completeLog()
    }

    /// Says once where the former database is now, after it was replaced because it was damaged.
    mutating func takeFormerPlace() -> String? {
        defer { formerPlace = nil }
        return formerPlace
    }

    // MARK: Writing

    /// About what an acknowledgement or a session writes.
    private static let changeBytes = 100

    /// Writes all of the batch or nothing into the database, and then into messages.log.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, ``Full``: such as a full disk.
    mutating func commit(_ batch: MailBatch) throws -> [StoredMail] {
        try commit(batch) { writer, mail, frame in try writer.store(mail, frame) }
    }

    /// Writes all of the batch, but for mail that the database does not take because of what it is. Without that one row
    /// would have everybody's mail refused that is accepted with it.
    ///
    /// - Throws: as ``commit(_:)``, for what lies not in the mail.
    mutating func commitWithoutUnfit(_ batch: MailBatch) throws -> [Result<StoredMail, any Error>] {
        do {
            return try commit(batch).map { .success($0) }
        } catch let error as DatabaseError where Self.isUnfit(error) {
            return try commit(batch) { writer, mail, frame in
                try writer.storeApart(mail, frame, orFailWhere: Self.isUnfit)
            }
        }
    }

    private static func isUnfit(_ error: DatabaseError) -> Bool {
        [.SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH].contains(error.resultCode)
    }

    /// - Parameter store: stores one message of the batch.
    private mutating func commit<Outcome>(
        _ batch: MailBatch,
        _ store: (inout MailWriter, MailBatch.Mail, _ frame: ByteBuffer) throws -> Outcome
    ) throws -> [Outcome] {
        let frames = batch.mail.map { $0.content.frame.encode() }
        let outcomes = try survivingDamage { mailStore in
            if !batch.mail.isEmpty {
                try mailStore.makeRoom()
                try mailStore.completeLog()
                try mailStore.log.rotateIfFull()
            }
            let (outcomes, writer) = try mailStore.database.write { database in
                var writer = try MailWriter(database, mailStore.participants)
                for owner in batch.owners { try writer.save(owner) }
                for settlement in batch.settled { try writer.settle(settlement) }
                var outcomes: [Outcome] = []
                for (mail, frame) in zip(batch.mail, frames) { outcomes.append(try store(&writer, mail, frame)) }
                for merge in batch.merges { try writer.merge(merge) }
                return (outcomes, writer)
            }
            mailStore.participants = writer.participants
            mailStore.append(writer.records)
            return outcomes
        }
        let changes = batch.settled.count + batch.owners.count + batch.merges.count
        database.committed(bytes: frames.reduce(0) { $0 + $1.readableBytes } + changes * Self.changeBytes)
        return outcomes
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

    // MARK: messages.log

    /// Logs what was committed: a record of a message that was not would be a lie that `grep` finds. Where there is no room
    /// the records are made up for before anything else is accepted.
    private mutating func append(_ records: [MailWriter.Record]) {
        guard let newest = records.last else { return }
        let end = log.size
        do {
            try log.append(records.map { ($0.frame, $0.recipients) })
            lastLogged = newest.id
        } catch {
            try? log.cut(to: end)
            lastLogged = lastLogged ?? MessageID(rowID: records[0].id.rowID - 1)
            isLogBehind = true
        }
    }

    /// Logs what is stored and was not logged: there was no room, or the server died in between.
    ///
    /// - Throws: `DatabaseError`, `PlatformError`, such as a full disk.
    private mutating func completeLog() throws {
        guard isLogBehind else { return }
        // A log that is empty, or has gone, was made so by somebody.
        while let last = lastLogged, let next = try record(after: last) {
            let end = log.size
            do {
                try log.append([(next.frame, next.recipients)])
            } catch {
                try? log.cut(to: end)
                throw error
            }
            lastLogged = next.id
        }
        isLogBehind = false
    }

    private mutating func record(after last: MessageID) throws -> MailWriter.Record? {
        let id = try read { database in
            try Int64.fetchOne(
                database,
                sql: "SELECT MIN(id) FROM messages WHERE id > :last AND sender IS NOT NULL",
                arguments: ["last": last.rowID]
            )
        }
        guard let id = id.map(MessageID.init(rowID:)), let mail = try message(id) else { return nil }
        let frame = MailContent.message(mail.message).frame.encode()
        return .init(id: id, frame: frame, recipients: mail.deliveries.count)
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
