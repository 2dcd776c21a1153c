package import InterSessionCore

/// What the mail of a server may cost, from its environment.
package struct MailSettings: Sendable {
    /// How long mail is kept, and waits for a receiver.
    var retention: Duration = .seconds(7 * 86_400)
    /// Bytes of the database.
    var sizeLimit = 512 * 1_048_576
    /// Direct messages between two sessions within a minute; 0 is any number.
    var pairLimit = WireLimits.directMessagesOfPair

    /// The limits of a server that is told nothing.
    package init() {}

    /// Reads the limits from environment variables, where they are set.
    ///
    /// - Throws: `SettingsError` for a variable that cannot be used.
    package init(environment: (String) -> String?) throws(SettingsError) {
        if let days = try Self.number("INTER_SESSION_RETENTION_DAYS", 1...3650, "of days, from 1", environment) {
            retention = .seconds(days * 86_400)
        }
        if let size = try Self.number("INTER_SESSION_MAIL_MAX_MIB", 1...1_048_576, "of MiB, from 1", environment) {
            sizeLimit = size * 1_048_576
        }
        if let limit = try Self.number("INTER_SESSION_PAIR_LIMIT", 0...1_000_000, "of messages, 0 for any", environment)
        {
            pairLimit = limit
        }
    }

    private static func number(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ allowed: String,
        _ environment: (String) -> String?
    ) throws(SettingsError) -> Int? {
        guard let text = environment(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .notANumber(source: name, value: text, allowed: allowed)
        }
        return value
    }
}
