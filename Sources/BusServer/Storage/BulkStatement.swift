import GRDB
import GRDBSQLite

/// A statement that is run for every message, through SQLite's own interface.
///
/// GRDB boxes each value, and tells whoever may observe the database of each statement: a third of what it took to
/// store a message, by perf. Nobody observes here.
struct BulkStatement {
    enum Value {
        case null
        case integer(Int64)
        case text(String)
    }

    private let handle: OpaquePointer
    private let connection: OpaquePointer?

    /// - Throws: `DatabaseError`.
    init(_ sql: String, in database: Database) throws {
        // GRDB keeps the statement, and finalizes it with the connection.
        handle = try database.cachedStatement(sql: sql).sqliteStatement
        connection = database.sqliteConnection
    }

    /// - Throws: `DatabaseError`.
    func run(_ values: Value...) throws {
        try run(values[...], place: 1)
    }

    /// Texts are not copied: they stay where they are until the statement has run.
    private func run(_ values: ArraySlice<Value>, place: Int32) throws {
        switch values.first {
        case nil: return try step()
        case .null: sqlite3_bind_null(handle, place)
        case .integer(let number): sqlite3_bind_int64(handle, place, number)
        case .text(var text):
            return try text.withUTF8 { bytes in
                try bytes.withMemoryRebound(to: CChar.self) { bytes in
                    if bytes.isEmpty {
                        // It may have no address, which would be NULL.
                        sqlite3_bind_text(handle, place, "", 0, nil)
                    } else {
                        sqlite3_bind_text(handle, place, bytes.baseAddress, Int32(bytes.count), nil)
                    }
                    try run(values.dropFirst(), place: place + 1)
                }
            }
        }
        try run(values.dropFirst(), place: place + 1)
    }

    private func step() throws {
        let code = sqlite3_step(handle)
        let message = code == SQLITE_DONE ? nil : sqlite3_errmsg(connection).map { String(cString: $0) }
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }
}
