import NIOCore

/// What one peer has sent and is not stored yet: how much of it there may be, and what must wait for it.
///
/// A peer that sends faster than the disk writes is not read from meanwhile. The fate of its messages is decided in
/// their order, so two counters say which of them are decided.
struct SenderBackpressure<Waiting> {
    /// What a decided message sets free.
    struct Release {
        /// What waited for it, in the order in which it began to wait.
        var due: [Waiting] = []
        /// Reading was held, and may go on.
        var resumesReading = false
    }

    private var accepted = 0
    private var settled = 0
    private var unsettledBytes = 0
    private var waiting: CircularBuffer<(messages: Int, action: Waiting)> = []
    private var isReadingHeld = false

    /// A message is on its way to the journal.
    mutating func hold(bytes: Int) {
        accepted += 1
        unsettledBytes += StorageLoad.weight(ofMessage: bytes)
    }

    /// The oldest message that was undecided is written down, or its sender knows that it is not.
    mutating func settle(bytes: Int) -> Release {
        settled += 1
        unsettledBytes -= StorageLoad.weight(ofMessage: bytes)
        var release = Release()
        while let first = waiting.first, first.messages <= settled {
            release.due.append(waiting.removeFirst().action)
        }
        if isReadingHeld, unsettledBytes < StorageLoad.mostOfPeer {
            isReadingHeld = false
            release.resumesReading = true
        }
        return release
    }

    /// Lets something wait until all that was accepted before it is decided.
    ///
    /// - Returns: it, when there is nothing to wait for.
    mutating func wait(_ action: Waiting) -> Waiting? {
        guard settled < accepted else { return action }
        waiting.append((accepted, action))
        return nil
    }

    /// Whether the peer may be read from; if not, ``settle(bytes:)`` says when it may.
    mutating func mayRead() -> Bool {
        isReadingHeld = unsettledBytes >= StorageLoad.mostOfPeer
        return !isReadingHeld
    }
}
