import InterSessionCore

/// A message of the past on one line: when, from whom to whom, how far it got, and the text.
struct LogLine {
    private let entry: ServerFrame.ArchivedMessage

    init(_ entry: ServerFrame.ArchivedMessage) {
        self.entry = entry
    }

    var text: String {
        let message = entry.message
        let sender = NotificationLine.displayName(name: message.fromName, sessionID: message.from)
        let receiver = message.to.map { NotificationLine.displayName(name: $0, sessionID: $0) } ?? "all"
        let reply = message.inReplyTo.map { " re=\($0)" } ?? ""
        let text = SafeText.singleLine(message.text.unicodeScalars.prefix(Self.longestText))
        let more =
            message.text.unicodeScalars.count > Self.longestText ? "… (\(entry.bytes) bytes: show \(message.id))" : ""
        return SafeText.singleLine(
            "\(message.timestamp) \(message.id) \(sender) -> \(receiver)\(reply) [\(state)] ".unicodeScalars
        )
            + text + more
    }

    private static let longestText = 400

    /// One word where all receivers are alike.
    private var state: String {
        let states = Set(entry.deliveries.map(\.state.rawValue))
        if entry.deliveries.isEmpty { return "nobody was here" }
        if let only = states.first, states.count == 1 { return only }
        let seen = entry.deliveries.count { $0.state == .seen }
        return "seen by \(seen) of \(entry.deliveries.count)"
    }
}
