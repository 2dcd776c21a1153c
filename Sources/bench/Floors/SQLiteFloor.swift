import GRDBSQLite
import InterSessionCore

/// What SQLite alone allows: the rows that the server writes for so many messages, in its schema and its settings, in
/// batches as large as it makes them, through SQLite's own interface.
struct SQLiteFloor {
    /// An empty database of the server's.
    let database: String
    let bytes: Int
    let count: Int

    /// What the server's `Journal` writes at once: mail until this weight is reached, and what was settled meanwhile.
    private static let batchWeight = 768 * 1024

    /// Messages of a batch. Each weighs its text and 512 bytes, a large one twice its text.
    private var batch: Int {
        let weight = bytes < 256 * 1024 ? bytes + 512 : bytes * 2
        return (Self.batchWeight + weight - 1) / weight
    }

    /// Copies a database that a server may have open.
    static func copy(_ path: String, to target: String) throws {
        let source = try Connection(path)
        try source.execute("VACUUM INTO '\(target)'")
    }

    /// - Returns: messages a second.
    func run() throws -> Double {
        let connection = try Connection(database)
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
        let message = try connection.prepare(
            "INSERT INTO messages (id, sender, recipient, depth, text) VALUES (?, 1, 2, 0, ?)"
        )
        let delivery = try connection.prepare("INSERT INTO deliveries (message, mailbox, state) VALUES (?, 1, 0)")
        let seen = try connection.prepare("UPDATE deliveries SET state = 1 WHERE message = ? AND mailbox = 1")
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        let start = ContinuousClock.now
        var acknowledged = 0
        for first in stride(from: 0, to: count, by: batch) {
            try connection.execute("BEGIN IMMEDIATE")
            while acknowledged < first {
                acknowledged += 1
                try seen.run(acknowledged)
            }
            for id in first + 1...min(first + batch, count) {
                try message.run(id, text)
                try delivery.run(id)
            }
            try connection.execute("COMMIT")
        }
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// SQLite's own interface, as much of it as this takes.
    private final class Connection {
        private var handle: OpaquePointer?

        init(_ path: String) throws {
            guard sqlite3_open(path, &handle) == SQLITE_OK else { throw failure }
        }

        deinit {
            sqlite3_close_v2(handle)
        }

        private var failure: BenchBus.Failure { .init(description: String(cString: sqlite3_errmsg(handle))) }

        func execute(_ sql: String) throws {
            guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
        }

        func prepare(_ sql: String) throws -> Statement {
            var statement: OpaquePointer?
            guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
                throw failure
            }
            return Statement(statement)
        }
    }

    private final class Statement {
        private let handle: OpaquePointer

        init(_ handle: OpaquePointer) {
            self.handle = handle
        }

        deinit {
            sqlite3_finalize(handle)
        }

        func run(_ id: Int, _ text: [UInt8]? = nil) throws {
            sqlite3_bind_int64(handle, 1, Int64(id))
            let code =
                text?.withUnsafeBytes { text in
                    sqlite3_bind_text(handle, 2, text.bindMemory(to: CChar.self).baseAddress, Int32(text.count), nil)
                    return sqlite3_step(handle)
                } ?? sqlite3_step(handle)
            sqlite3_reset(handle)
            guard code == SQLITE_DONE else { throw BenchBus.Failure(description: "SQLite says \(code)") }
        }
    }
}
