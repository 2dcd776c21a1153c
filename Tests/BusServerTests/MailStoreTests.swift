import Foundation
import GRDB
import InterSessionCore
import Platform
import TestSupport
import Testing

@testable import BusServer

/// What is on disk: its limits, its age, and what happens when it breaks.
@Suite("mail store")
struct MailStoreTests {
    private func mail(_ id: MessageID, _ text: String = "x", to mailbox: Int64 = 1) -> MailBatch.Mail {
        let message = ServerFrame.Message(
            id: id.description,
            from: "id-alpha",
            fromName: "alpha",
            to: "beta",
            toSessionID: "id-beta",
            text: text,
            timestamp: id.time.iso8601
        )
        return .init(id: id, content: .message(message), depth: 0, mailboxes: [mailbox], key: nil)
    }

    private func store(_ path: String, _ settings: MailSettings = .init()) throws -> MailStore {
        try MailStore(in: path, settings)
    }

    private static let now = Timestamp.now()

    private static func id(daysAgo days: Int) -> MessageID {
        MessageID(at: now - .seconds(days * 86_400))
    }

    @Test("a text is kept and framed as it is", arguments: ["", "\"\\\n\u{1}", "é😀", "a\u{0}b", "plain"])
    func texts(text: String) async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let id = Self.id(daysAgo: 0)
            guard case .new(let frame) = try store.commit(MailBatch(mail: [mail(id, text)])).first,
                case .message(let message) = try ServerFrame.decode(frame)
            else {
                Issue.record("no frame of a message")
                return
            }
            #expect(message.text == text && message.id == id.description)
            #expect(try store.message(id)?.message == message)
        }
    }

    @Test(
        "mail that nobody saw expires, and is removed when it has been so for as long again; what was seen goes first"
    )
    func expiry() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let ages = [20, 9, 8, 1].map(Self.id)
            _ = try store.commit(MailBatch(mail: ages.map { mail($0) }))
            _ = try store.commit(MailBatch(settled: [.init(message: ages[1], mailbox: 1, state: .seen)]))
            let first = try store.expire(at: Self.now)
            #expect(first.expired == 2 && first.removed == 1 && !first.isUnfinished)
            // Nothing that was not seen is removed by the pass that finds it old, however old it is.
            #expect(try store.message(ages[0])?.deliveries.first?.state == .expired)
            #expect(try store.message(ages[1]) == nil)
            #expect(try store.message(ages[2])?.deliveries.first?.state == .expired)
            #expect(try store.message(ages[3])?.deliveries.first?.state == .queued)
            #expect(try store.waiting() == [1: 1])
            let second = try store.expire(at: Self.now + .seconds(6 * 86_400))
            #expect(second.expired == 0 && second.removed == 0)
            let third = try store.expire(at: Self.now + .seconds(7 * 86_400 + 1))
            #expect(third.expired == 1 && third.removed == 2)
            #expect(try store.message(ages[3])?.deliveries.first?.state == .expired)
        }
    }

    @Test("what expired by a calendar that was wrong waits again when it is set right")
    func revival() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            _ = try store.commit(MailBatch(mail: [mail(Self.id(daysAgo: 1))]))
            #expect(try store.expire(at: Self.now + .seconds(15 * 86_400)).expired == 1)
            #expect(try store.waiting().isEmpty)
            let right = try store.expire(at: Self.now)
            #expect(right.revived == [1] && right.removed == 0)
            #expect(try store.waiting() == [1: 1])
        }
    }

    @Test("a session is not forgotten while mail that expired for it may wait again")
    func expiredMailKeepsItsMailbox() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let owner = MailboxRecord(
                mailbox: 1,
                sessionID: try SessionID(validating: "id-beta"),
                name: nil,
                label: .none,
                workingDirectory: "",
                lastSeen: Self.now
            )
            _ = try store.commit(MailBatch(owners: [owner], mail: [mail(Self.id(daysAgo: 1))]))
            let later = Self.now + .seconds(8 * 86_400)
            let first = try store.expire(at: later)
            #expect(first.expired == 1 && first.unused.isEmpty)
            try store.remove(mailboxes: [1])
            #expect(try store.memory(of: 1).records.count == 1)
            #expect(try store.expire(at: later + .seconds(8 * 86_400)).unused == [1])
        }
    }

    @Test("a full store gives up what was seen, the oldest first, and never what was not")
    func sizeLimit() async throws {
        try await TemporaryDirectory.with { path in
            var settings = MailSettings()
            settings.sizeLimit = 1_048_576
            var store = try store(path, settings)
            let text = String(repeating: "x", count: 10_000)
            let ids = (0..<200).map { MessageID(rowID: 1_000_000 + $0) }
            var accepted: [MessageID] = []
            for id in ids {
                do {
                    _ = try store.commit(MailBatch(mail: [mail(id, text)]))
                    accepted.append(id)
                } catch is MailStore.Full {
                    break
                }
            }
            #expect((30..<150).contains(accepted.count), "about a MiB of pages fits")
            #expect(try store.waiting(in: 1) == accepted.count)

            let seen = accepted.map { MailBatch.Settlement(message: $0, mailbox: 1, state: .seen) }
            _ = try store.commit(MailBatch(settled: seen))
            _ = try store.commit(MailBatch(mail: [mail(ids[199], text)]))
            #expect(try store.message(accepted[0]) == nil)
            #expect(try store.message(ids[199]) != nil)
        }
    }

    @Test("a refused batch leaves nothing behind, in the database as in the log")
    func allOrNothing() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let first = MessageID(rowID: 1_000_000)
            _ = try store.commit(MailBatch(mail: [mail(first)]))
            // The second message has an id that is taken.
            let batch = MailBatch(mail: [mail(MessageID(rowID: 1_000_001)), mail(first)])
            #expect(throws: (any Error).self) { try store.commit(batch) }
            #expect(try store.message(MessageID(rowID: 1_000_001)) == nil)
            let log = String(decoding: try File.read("\(path)/messages.log"), as: UTF8.self)
            #expect(log.split(separator: "\n").count == 1)
            _ = try store.commit(MailBatch(mail: [mail(MessageID(rowID: 1_000_001))]))
            #expect(try store.waiting(in: 1) == 2)
        }
    }

    @Test("a database of a later generation is refused with the way out, and left as it is")
    func laterGeneration() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let id = Self.id(daysAgo: 0)
            _ = try store.commit(MailBatch(mail: [mail(id)]))
            store.close()
            let database = try DatabaseQueue(path: "\(path)/mail.sqlite")
            try await database.write { try $0.execute(sql: "PRAGMA user_version = 99") }
            do {
                _ = try self.store(path)
                Issue.record("it was opened")
            } catch let error as MailDatabase.Failure {
                #expect("\(error)".contains("later version") && "\(error)".contains("install"))
            }
            try await database.write { try $0.execute(sql: "PRAGMA user_version = 1") }
            try database.close()
            var again = try self.store(path)
            #expect(try again.message(id) != nil)
        }
    }

    @Test("a column or a table of a later version does not stop this one")
    func laterColumns() async throws {
        try await TemporaryDirectory.with { path in
            try store(path).close()
            let database = try DatabaseQueue(path: "\(path)/mail.sqlite")
            try await database.write { database in
                for table in ["messages", "deliveries", "mailboxes", "keys", "parties"] {
                    try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN later TEXT")
                }
            }
            try database.close()
            var store = try store(path)
            let owner = MailboxRecord(
                mailbox: 1,
                sessionID: .random(),
                name: nil,
                label: .none,
                workingDirectory: "",
                lastSeen: Self.now
            )
            _ = try store.commit(MailBatch(owners: [owner], mail: [mail(Self.id(daysAgo: 0))]))
            #expect(try store.waiting(in: 1) == 1)
        }
    }

    @Test("only what SQLite calls corrupt, or no database, is damage")
    func damageCodes() {
        let codes: [ResultCode] = [
            .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CANTOPEN, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_PERM,
            .SQLITE_READONLY, .SQLITE_ERROR, .SQLITE_CONSTRAINT,
        ]
        for code in codes { #expect(!MailDatabase.isDamage(DatabaseError(resultCode: code)), "\(code)") }
        for code in [ResultCode.SQLITE_CORRUPT, .SQLITE_NOTADB] {
            #expect(MailDatabase.isDamage(DatabaseError(resultCode: code)))
        }
    }

    @Test("senders and receivers that no message names any more are forgotten with the messages")
    func parties() async throws {
        try await TemporaryDirectory.with { path in
            var store = try store(path)
            let ids = [20, 3].map(Self.id)
            for id in ids { _ = try store.commit(MailBatch(mail: [mail(id)])) }
            _ = try store.commit(MailBatch(settled: ids.map { .init(message: $0, mailbox: 1, state: .seen) }))
            func count() async throws -> Int {
                try store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM parties") ?? 0 }
            }
            #expect(try await count() == 2)
            _ = try store.expire(at: Self.now)
            #expect(try await count() == 2, "the younger message names them, too")
            _ = try store.expire(at: Self.now + .seconds(8 * 86_400))
            #expect(try await count() == 0)
            _ = try store.commit(MailBatch(mail: [mail(MessageID(at: Self.now + .seconds(9 * 86_400)))]))
            #expect(try await count() == 2)
        }
    }

    @Test(
        "a database that is none is moved aside with what is in it, and the next client is told",
        arguments: [true, false]
    )
    func damage(isFile: Bool) async throws {
        try await TemporaryDirectory.with { path in
            let junk = String(repeating: "this is no database ", count: 1000)
            if isFile {
                try File.replace("\(path)/mail.sqlite", with: junk.utf8)
            } else {
                try Directory.ensurePrivate("\(path)/mail.sqlite")
            }
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: "receipts notices")
                #expect(try await alpha.find("notice").string("text")?.contains("mail.sqlite.damaged-") == true)
                let beta = try await bus.join("beta", features: "notices")
                #expect(try await alpha.message("x", to: "beta").string("state") == "delivered")
                try await beta.find("msg")
                try await beta.expectSilence()
            }
            let aside = Directory.entries(path).filter { $0.hasPrefix("mail.sqlite.damaged-") }
            #expect(aside.count == 1)
            if isFile, let name = aside.first {
                #expect(String(decoding: try File.read("\(path)/\(name)"), as: UTF8.self) == junk)
            }
        }
    }

    @Test("a database that breaks under a running bus is moved aside, and the bus goes on")
    func damageWhileRunning() async throws {
        try await TemporaryDirectory.with { path in
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: "receipts notices hold")
                try await bus.join("beta").leave()
                // More than SQLite keeps in memory, so that it must be read again.
                try await alpha.message(String(repeating: "lost", count: 1_000_000), to: "beta")
                try overwriteEverything(path)
                let beta = try await bus.join("beta", features: "notices")
                try await eventually("the damage to be found") {
                    Directory.entries(path).contains { $0.hasPrefix("mail.sqlite.damaged-") } ? () : nil
                }
                #expect(try await alpha.message("kept", to: "beta").string("state") == "delivered")
                #expect(try await beta.texts(1) == ["kept"])
                let gamma = try await bus.join("gamma", features: "notices")
                try await gamma.find("notice")
            }
            // The sessions of before are known to the new database.
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: "receipts hold")
                #expect(try await alpha.message("x", to: "gamma").string("state") == "queued")
            }
        }
    }

    /// Writes over the database and its log in place, as a failing disk would.
    private func overwriteEverything(_ path: String) throws {
        for name in ["mail.sqlite", "mail.sqlite-wal"] {
            let file = try FileHandle(forWritingTo: URL(filePath: "\(path)/\(name)"))
            let size = try file.seekToEnd()
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data(repeating: 0xAA, count: Int(size)))
        }
    }
}
