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
        try run(values[...], place: 1) { try step() }
    }

    /// The integers of the first row, where NULL is nil; nil where there is no row.
    ///
    /// - Throws: `DatabaseError`.
    func firstRow(_ values: Value...) throws -> [Int64?]? {
        var row: [Int64?]?
        try run(values[...], place: 1) {
            try step { handle in
                row = (0..<sqlite3_column_count(handle)).map { column in
                    sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
                }
            }
        }
        return row
    }

    /// Texts are not copied: they stay where they are until the statement has run. They have a length: GRDB would end them
    /// at their first U+0000.
    private func run(_ values: ArraySlice<Value>, place: Int32, _ body: () throws -> Void) throws {
        switch values.first {
        case nil: return try body()
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
                    try run(values.dropFirst(), place: place + 1, body)
                }
            }
        }
        try run(values.dropFirst(), place: place + 1, body)
    }

    /// - Parameter read: is given the statement at its first row, where there is one.
    private func step(_ read: (OpaquePointer) -> Void = { _ in }) throws {
        let code = sqlite3_step(handle)
        let isDone = code == SQLITE_DONE || code == SQLITE_ROW
        let message = isDone ? nil : sqlite3_errmsg(connection).map { String(cString: $0) }
        if code == SQLITE_ROW { read(handle) }
        sqlite3_reset(handle)
        guard isDone else { throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message) }
    }
}

extension Row {
    /// The text of a column that is selected as a blob: read as a string it would end at its first U+0000.
    func text(at column: Int) throws -> String? {
        try withUnsafeData(atIndex: column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}
