import InterSessionCore

/// How far the mail of one connected peer has got.
struct DeliveryWindow {
    /// Messages that may be on the connection without having been acknowledged.
    let most: Int
    /// Bytes of text that may be; one message may have more, alone.
    let mostBytes: Int
    /// On the connection, and not acknowledged.
    private(set) var unacknowledged = Unacknowledged()
    /// The newest message that was taken from the mailbox, or passed by it.
    var last: MessageID?
    /// There is, or may be, mail that only the mailbox holds: what is accepted now must wait behind it. True until the
    /// mailbox was read once.
    var isBehind = true
    /// A page of the mailbox is on its way.
    var isReading = false
    /// Grows when the mailbox must be read from its beginning, which makes a page on its way worthless.
    var reading = 0

    init(most: Int, mostBytes: Int) {
        self.most = most
        self.mostBytes = mostBytes
    }

    init(of owner: MailboxOwner) {
        switch owner {
        case .session: self.init(most: WireLimits.unacknowledged, mostBytes: .max)
        case .gateway:
            // It keeps each message in memory until its transport has it.
            self.init(
                most: WireLimits.gatewayUnacknowledged,
                mostBytes: WireLimits.gatewayUnacknowledgedBytes
            )
        }
    }

    /// Whether a message with so much text may go on the connection.
    func hasRoom(for bytes: Int) -> Bool {
        guard unacknowledged.count < most else { return false }
        return unacknowledged.count == 0 || bytes <= mostBytes - unacknowledged.bytes
    }

    /// Enough for reading the mailbox to be worth it: whatever its first message is, it has room.
    var hasMuchRoom: Bool {
        unacknowledged.count <= most / 2 && unacknowledged.bytes <= mostBytes - WireLimits.directText
    }

    mutating func add(_ id: MessageID, bytes: Int) {
        unacknowledged.add(id, bytes)
    }

    /// - Returns: whether it was on the connection.
    mutating func remove(_ id: MessageID) -> Bool {
        unacknowledged.remove(id)
    }

    /// Something older than what was taken is to be delivered.
    mutating func startOver() {
        last = nil
        isBehind = true
        reading += 1
    }
}

/// Messages on a connection, and how much text they are.
struct Unacknowledged {
    private var messages: [MessageID: Int] = [:]
    private(set) var bytes = 0

    var count: Int { messages.count }

    func contains(_ id: MessageID) -> Bool { messages[id] != nil }

    fileprivate mutating func add(_ id: MessageID, _ size: Int) {
        bytes += size - (messages.updateValue(size, forKey: id) ?? 0)
    }

    fileprivate mutating func remove(_ id: MessageID) -> Bool {
        guard let size = messages.removeValue(forKey: id) else { return false }
        bytes -= size
        return true
    }
}
