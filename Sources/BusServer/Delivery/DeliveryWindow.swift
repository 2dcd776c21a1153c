import InterSessionCore

/// How far the mail of one connected agent has got.
struct DeliveryWindow {
    /// Messages that may be on the connection without having been acknowledged.
    let most: Int
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

    init(most: Int) {
        self.most = most
    }

    var hasRoom: Bool { unacknowledged.count < most }
    /// Enough for reading the mailbox to be worth it.
    var hasMuchRoom: Bool { unacknowledged.count <= most / 2 }

    /// Something older than what was taken is to be delivered.
    mutating func startOver() {
        last = nil
        isBehind = true
        reading += 1
    }
}
