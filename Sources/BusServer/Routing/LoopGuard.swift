import InterSessionCore

/// Stops programs that answer each other for ever (docs/PROTOCOL.md, "Loops").
struct LoopGuard {
    /// So many automatic messages are remembered at least: the fastest loop takes minutes for them.
    static let mostDepths = 4096

    /// Two sessions, or one and an agent outside, in either direction.
    struct Pair: Hashable {
        private let first: Int64
        private let second: Int64
        private let agent: AgentName?

        /// - Parameter agent: who is behind the one of them that is a gateway.
        init(_ one: KnownPeer, _ other: KnownPeer, _ agent: AgentName? = nil) {
            first = min(one.mailbox, other.mailbox)
            second = max(one.mailbox, other.mailbox)
            self.agent = agent
        }
    }

    private var depths: [MessageID: Int] = [:]
    private var order: [MessageID] = []
    private var messages: RateLimiter<Pair>
    private var notices = RateLimiter<Pair>(most: 1, window: WireLimits.pairWindow, of: "notice")

    /// - Parameters:
    ///   - depths: of the automatic messages of before, oldest first.
    ///   - pairLimit: direct messages of two sessions in a minute; 0 is any number.
    init(depths: [(id: MessageID, depth: Int)], pairLimit: Int) {
        messages = RateLimiter(
            most: pairLimit,
            window: WireLimits.pairWindow,
            of: "messages between these two sessions"
        )
        for (id, depth) in depths { remember(id, depth) }
    }

    /// How deep a message is in a chain of automatic ones; 0 for one that is not automatic.
    ///
    /// - Throws: ``WireError/hopLimit``.
    func depth(of message: ClientFrame.Outgoing) throws(WireError) -> Int {
        guard message.isAutomatic else { return 0 }
        let depth = 1 + (message.inReplyTo.flatMap { MessageID($0) }.flatMap { depths[$0] } ?? 0)
        guard depth <= WireLimits.automaticDepth else { throw .hopLimit }
        return depth
    }

    /// Counts a direct message.
    ///
    /// - Throws: ``WireError/rateLimited(retryAfter:of:)``.
    mutating func admit(_ pair: Pair, at now: ContinuousClock.Instant) throws(WireError) {
        try messages.admit(pair, at: now)
    }

    mutating func remember(_ id: MessageID, _ depth: Int) {
        guard depth > 0 else { return }
        depths[id] = depth
        order.append(id)
        if order.count >= 2 * Self.mostDepths {
            for old in order.prefix(Self.mostDepths) { depths[old] = nil }
            order.removeFirst(Self.mostDepths)
        }
    }

    /// Whether the two are to hear of their loop; not for each message of it.
    mutating func mayNotify(_ pair: Pair, at now: ContinuousClock.Instant) -> Bool {
        do throws(WireError) {
            try notices.admit(pair, at: now)
            return true
        } catch {
            return false
        }
    }
}
