import GRDB

/// Senders and receivers as messages name them. They are few, and messages many: a message keeps their numbers.
struct Parties: Sendable {
    struct Party: Hashable {
        let sessionID: String
        let name: String
        let label: String
    }

    private static let mostRemembered = 1024

    private var numbers: [Party: Int64] = [:]

    /// The number of the party, which is given when it has none.
    ///
    /// It holds once the transaction is committed: after a rollback the copy of before must be used.
    mutating func number(of party: Party, in database: Database) throws -> Int64 {
        if let number = numbers[party] { return number }
        let arguments: StatementArguments = [party.sessionID, party.name, party.label]
        try database.execute(
            sql: "INSERT OR IGNORE INTO parties (session_id, name, label) VALUES (?,?,?)",
            arguments: arguments
        )
        let number = try Int64.fetchOne(
            database,
            sql: "SELECT id FROM parties WHERE session_id = ? AND name = ? AND label = ?",
            arguments: arguments
        )
        guard let number else { throw DatabaseError(message: "a party has no number") }
        if numbers.count >= Self.mostRemembered { numbers = [:] }
        numbers[party] = number
        return number
    }
}
