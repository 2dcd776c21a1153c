import GRDB
import InterSessionCore
import Platform
import TestSupport
import Testing

@testable import BusServer

/// SQLite's log, which grows with what is committed until that is moved into the database.
@Suite("checkpoints")
struct CheckpointTests {
    private static let mebibyte = 1_048_576

    private func commit(_ number: Int, _ text: String, to store: inout MailStore) throws {
        let id = MessageID(rowID: 1_000_000 + Int64(number))
        let notice = ServerFrame.Notice(id: id.description, timestamp: id.time.iso8601, text: text)
        let mail = MailBatch.Mail(id: id, content: .notice(notice), depth: 0, mailboxes: [1], key: nil)
        _ = try store.commit(MailBatch(mail: [mail]))
    }

    /// Does the work on a thread of its own: it takes seconds, and other tests wait for the threads that tasks share.
    ///
    /// - Parameter sizeLimit: of the database, in MiB.
    private func withStore(
        sizeLimit: Int = 4096,
        _ body: @escaping @Sendable (inout MailStore, _ path: String) throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { path in
            try await BlockingWork.run {
                var settings = MailSettings()
                settings.sizeLimit = sizeLimit * Self.mebibyte
                var store = try MailStore(in: path, settings)
                try body(&store, "\(path)/mail.sqlite")
                store.close()
            }
        }
    }

    @Test("the log stays below 64 MiB while mail comes without a pause", arguments: [(10, 16), (1, 100)])
    func bound(mebibytes: Int, count: Int) async throws {
        try await withStore { store, path in
            let text = String(repeating: "x", count: mebibytes * Self.mebibyte)
            var most = 0
            for number in 0..<count {
                try commit(number, text, to: &store)
                most = max(most, File.size(of: path + "-wal") ?? 0)
            }
            #expect(most < 64 * Self.mebibyte, "\(most / Self.mebibyte) MiB")
        }
    }

    @Test("room is made for large messages without a copy of each in the log")
    func room() async throws {
        try await withStore(sizeLimit: 100) { store, path in
            let text = String(repeating: "x", count: 10 * Self.mebibyte)
            for number in 0..<10 { try commit(number, text, to: &store) }
            let seen = (0..<10).map { number in
                MailBatch.Settlement(message: MessageID(rowID: 1_000_000 + number), mailbox: 1, state: .seen)
            }
            _ = try store.commit(MailBatch(settled: seen))
            let size = File.size(of: path + "-wal") ?? 0
            try store.makeRoom()
            #expect(try store.usedBytes() < Self.mebibyte)
            let growth = (File.size(of: path + "-wal") ?? 0) - size
            #expect(growth < 16 * Self.mebibyte, "\(growth / Self.mebibyte) MiB")
        }
    }

    @Test("who reads the database for long makes the log grow, and stops nobody")
    func reader() async throws {
        try await withStore { store, path in
            var configuration = GRDB.Configuration()
            configuration.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: path, configuration: configuration)
            try reader.writeWithoutTransaction { database in
                try database.execute(sql: "BEGIN")
                _ = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM messages")
            }
            let text = String(repeating: "x", count: 4 * Self.mebibyte)
            for number in 0..<20 { try commit(number, text, to: &store) }
            try reader.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            for number in 20..<35 { try commit(number, text, to: &store) }
            #expect(File.size(of: path + "-wal") ?? 0 < 64 * Self.mebibyte)
        }
    }
}
