import InterSessionCore
import Synchronization

/// One session of the load: it writes to the others now and then, acknowledges what comes, and sometimes leaves and
/// comes back, as monitors do.
struct SoakSession: Sendable {
    /// Between two messages of a session.
    let interval: Duration
    let number: Int
    let count: Int
    let endpoint: BusEndpoint
    let ledger: SoakLedger
    /// Nobody sends after it.
    let end: ContinuousClock.Instant
    private let known = KnownMessages()

    init(
        interval: Duration,
        number: Int,
        count: Int,
        endpoint: BusEndpoint,
        ledger: SoakLedger,
        end: ContinuousClock.Instant
    ) {
        self.interval = interval
        self.number = number
        self.count = count
        self.endpoint = endpoint
        self.ledger = ledger
        self.end = end
    }

    /// The ids of what was received, which outlive a connection.
    private final class KnownMessages: Sendable {
        private let ids = Mutex<Set<String>>([])

        /// - Returns: whether it is new.
        func insert(_ id: String) -> Bool { ids.withLock { $0.insert(id).inserted } }
    }

    private static let reconnectShare = 0.002
    private static let broadcastShare = 0.01
    private static let largeShare = 0.02

    static func name(_ number: Int) -> String { "soak-\(number)" }

    /// Runs until the task is cancelled.
    func run() async throws {
        let numbers = Numbers()
        while true {
            let link = SessionLink(.electing(endpoint))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { _ = try await link.run(self, self) }
                tasks.addTask { try await write(to: link, numbers) }
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
            ledger.reconnected()
            var backoff = Backoff.reconnect
            try await pause(backoff.next())
        }
    }

    /// The last number for each receiver, which outlives a connection.
    private final class Numbers: Sendable {
        private let last = Mutex<[Int: Int]>([:])

        func next(for receiver: Int) -> Int {
            last.withLock { last in
                last[receiver, default: 0] += 1
                return last[receiver] ?? 0
            }
        }
    }

    /// Writes until it is time for another connection.
    private func write(to link: SessionLink, _ numbers: Numbers) async throws {
        while !ledger.haveJoined(count) { try await pause(.milliseconds(50)) }
        while true {
            try await pause(interval * Double.random(in: 0.2...1.8))
            guard .now < end else {
                // What comes now is still taken.
                return try await pause(.seconds(86_400))
            }
            if Double.random(in: 0..<1) < Self.reconnectShare { return }
            do {
                if case .sent(let sent) = try await link.ask(next(numbers)) { ledger.accepted(copies: sent.recipients) }
            } catch is BusError {
                ledger.refused()
            }
        }
    }

    private func next(_ numbers: Numbers) -> ClientFrame {
        let isBroadcast = Double.random(in: 0..<1) < Self.broadcastShare
        // Numbers of broadcasts are counted under the session itself.
        let receiver = isBroadcast ? number : (number + Int.random(in: 1..<count)) % count
        let message = SoakMessage(sender: number, number: numbers.next(for: receiver), isBroadcast: isBroadcast)
        let isLarge = Double.random(in: 0..<1) < Self.largeShare
        let bytes = isLarge ? Int.random(in: 10_000...100_000) : Int.random(in: 40...2000)
        var outgoing = ClientFrame.Outgoing(message.text(bytes: bytes))
        outgoing.key = "\(receiver)/\(message.number)"
        return isBroadcast ? .broadcast(outgoing) : .send(to: Self.name(receiver), outgoing)
    }
}

extension SoakSession: LinkPeer, MessageSink {
    func hello() -> ClientFrame.Hello? {
        ClientFrame.Hello(
            role: .agent(.init(sessionID: "soak-session-\(number)", name: Self.name(number))),
            nonce: "soak-nonce-\(number)",
            features: [.acks, .receipts, .hold, .keys]
        )
    }

    func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) { ledger.joined(number) }

    func lost(_ error: any Error, attempts: Int) { ledger.reconnected() }

    /// A message whose acknowledgement was lost with its connection comes again under its id, which every client knows. What
    /// comes twice otherwise the ledger counts.
    func take(_ mail: [IncomingMail]) -> Handover {
        for case .message(let message) in mail where known.insert(message.id) {
            if let message = SoakMessage(message.text) { ledger.received(message, by: number, at: .now) }
        }
        return .received
    }
}
