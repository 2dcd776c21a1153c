import InterSessionCore
import Synchronization

/// What was sent and what came, of all sessions.
final class SoakLedger: Sendable {
    struct Pair: Hashable {
        let sender: Int
        let receiver: Int
    }

    struct Totals: Sendable {
        var accepted = 0
        var received = 0
        var duplicated = 0
        var reordered = 0
        var refused = 0
        var reconnects = 0
        /// From the moment before the send to the arrival, in microseconds.
        var latencies: [Int] = []

        var lost: Int { accepted - received }

        /// - Parameter share: such as 0.99.
        func latency(_ share: Double) -> Int {
            guard !latencies.isEmpty else { return 0 }
            return latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
        }
    }

    private struct State {
        var totals = Totals()
        /// The last number that came, of direct messages and of broadcasts.
        var direct: [Pair: Int] = [:]
        var broadcasts: [Pair: Int] = [:]
        var present: Set<Int> = []
    }

    private let state = Mutex(State())

    /// - Parameter copies: receivers of the message.
    func accepted(copies: Int) {
        state.withLock { $0.totals.accepted += copies }
    }

    func joined(_ session: Int) {
        state.withLock { _ = $0.present.insert(session) }
    }

    /// Whether so many sessions have been on the bus: who was never there cannot be written to.
    func haveJoined(_ count: Int) -> Bool { state.withLock { $0.present.count >= count } }

    func refused() {
        state.withLock { $0.totals.refused += 1 }
    }

    func reconnected() {
        state.withLock { $0.totals.reconnects += 1 }
    }

    func received(_ message: SoakMessage, by receiver: Int, at now: ContinuousClock.Instant) {
        let pair = Pair(sender: message.sender, receiver: receiver)
        let latency = Int((now - message.sentAt) / .microseconds(1))
        state.withLock { state in
            let path: WritableKeyPath<State, [Pair: Int]> = message.isBroadcast ? \.broadcasts : \.direct
            let last = state[keyPath: path][pair] ?? 0
            guard message.number > last else {
                state.totals.duplicated += 1
                return
            }
            // Who was away misses broadcasts, and no direct message.
            if !message.isBroadcast, message.number != last + 1 { state.totals.reordered += 1 }
            state[keyPath: path][pair] = message.number
            state.totals.received += 1
            state.totals.latencies.append(latency)
        }
    }

    /// With the latencies in their order.
    var totals: Totals {
        var totals = state.withLock { $0.totals }
        totals.latencies.sort()
        return totals
    }

    var isComplete: Bool { state.withLock { $0.totals.lost <= 0 } }
}

/// One message of the load, as it is written: who, which, when, and as much as makes it that long.
struct SoakMessage {
    let sender: Int
    let number: Int
    let isBroadcast: Bool
    let sentAt: ContinuousClock.Instant

    private static let epoch = ContinuousClock.now

    init(sender: Int, number: Int, isBroadcast: Bool) {
        self.sender = sender
        self.number = number
        self.isBroadcast = isBroadcast
        sentAt = .now
    }

    init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 4)
        guard words.count >= 4, let sender = Int(words[0]), let number = Int(words[1]), let time = Int(words[3]) else {
            return nil
        }
        self.sender = sender
        self.number = number
        isBroadcast = words[2] == "all"
        sentAt = Self.epoch + .nanoseconds(time)
    }

    func text(bytes: Int) -> String {
        let head = "\(sender) \(number) \(isBroadcast ? "all" : "one") \(Int((sentAt - Self.epoch) / .nanoseconds(1))) "
        return head + String(repeating: "x", count: max(1, bytes - head.utf8.count))
    }
}
