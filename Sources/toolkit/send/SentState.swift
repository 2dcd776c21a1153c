import InterSessionCore
import ToolSupport

/// What has become of a message until now, for a person.
struct SentState: CustomStringConvertible {
    private let sent: ServerFrame.Sent

    init(_ sent: ServerFrame.Sent) {
        self.sent = sent
    }

    var description: String { "msg=\(sent.messageID), \(state)" }

    private var state: String {
        guard let receiver = sent.to else { return sent.recipients == 1 ? "1 session" : "\(sent.recipients) sessions" }
        guard sent.state == .queued else { return sent.state.rawValue }
        let isOutside = OutsideAddress(receiver) != nil
        guard let since = sent.offlineSince.flatMap({ Timestamp(iso8601: $0) }) else {
            return isOutside
                ? "queued: the gateway has as much in hand as it takes at once"
                : "queued: \(receiver) has more unread than it takes at once"
        }
        return "queued: \(isOutside ? "the gateway" : receiver) is offline since \(Age(since: since))"
    }
}
