import GRDB
import InterSessionCore

/// Senders and receivers as messages name them. They are few, and messages many: a message keeps their numbers.
struct Participants: Sendable {
    struct Participant: Hashable {
        let sessionID: String
        let name: String
        let label: String
    }

    private struct Entry {
        let number: Int64
        /// As it is stored.
        var lastUsed: MessageID
    }

    private static let mostRemembered = 1024
    /// How exactly it is stored when a participant was last used: a write for each message would cost as much as the message.
    private static let accuracy: Duration = .seconds(86_400)

    private var entries: [Participant: Entry] = [:]

    /// The number of the participant, which is given when it has none.
    ///
    /// It holds once the transaction is committed: after a rollback the copy of before must be used.
    mutating func number(of participant: Participant, usedBy message: MessageID, in database: Database) throws -> Int64
    {
        var entry = try entries[participant] ?? find(participant, usedBy: message, in: database)
        if message.time.timeSince(entry.lastUsed.time) > Self.accuracy {
            try database.cachedStatement(sql: "UPDATE parties SET last_used = :message WHERE id = :number")
                .execute(arguments: ["message": message.rowID, "number": entry.number])
            entry.lastUsed = message
        } else if entries[participant] != nil {
            return entry.number
        }
        if entries.count >= Self.mostRemembered { entries = [:] }
        entries[participant] = entry
        return entry.number
    }

    private func find(_ participant: Participant, usedBy message: MessageID, in database: Database) throws -> Entry {
        let names: StatementArguments = [
            "session_id": participant.sessionID, "name": participant.name, "label": participant.label,
        ]
        try database.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO parties (session_id, name, label, last_used)
                VALUES (:session_id, :name, :label, :message)
                """
        )
        .execute(arguments: names + ["message": message.rowID])
        let row = try Row.fetchOne(
            try database.cachedStatement(
                sql: """
                    SELECT id, last_used FROM parties
                    WHERE session_id = :session_id AND name = :name AND label = :label
                    """
            ),
            arguments: names
        )
        guard let row else { throw DatabaseError(message: "a participant has no number") }
        return Entry(number: row["id"], lastUsed: MessageID(rowID: row["last_used"]))
    }

    /// Removes the participants that no message names any more: those that were last used before the oldest message.
    ///
    /// - Returns: how many there were.
    static func removeUnused(from database: Database) throws -> Int {
        try database.execute(
            sql: "DELETE FROM parties WHERE last_used < (SELECT COALESCE(MIN(id), :none) FROM messages) - :accuracy",
            arguments: ["none": Int64.max, "accuracy": Int64(accuracy / .microseconds(1))]
        )
        return database.changesCount
    }
}
