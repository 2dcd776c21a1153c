import InterSessionCore

/// How far the mail of one connected agent has got.
struct DeliveryWindow {
    /// On the connection, and not acknowledged.
    var unacknowledged: Set<MessageID> = []
    /// The newest message that was taken from the mailbox, or passed by it.
    var last: MessageID?
    /// There is mail that only the mailbox holds: what is accepted now must wait behind it. So it is at first.
    var isBehind = true
    /// A page of the mailbox is on its way.
    var isReading = false
    /// Grows when the mailbox must be read from its beginning, which makes a page on its way worthless.
    var reading = 0

    var hasRoom: Bool { unacknowledged.count < WireLimits.unacknowledged }
    /// Enough for reading the mailbox to be worth it.
    var hasMuchRoom: Bool { unacknowledged.count <= WireLimits.unacknowledged / 2 }

    /// Something older than what was taken is to be delivered.
    mutating func startOver() {
        last = nil
        isBehind = true
        reading += 1
    }
}
