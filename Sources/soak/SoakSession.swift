import InterSessionCore
import Platform
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

    private static let reconnectShare = 0.002
    private static let broadcastShare = 0.01
    private static let largeShare = 0.02

    /// What must outlive a connection.
    private final class Progress: Sendable {
        let numbers = Mutex<[Int: Int]>([:])
        /// Accepted by nobody yet: sent again, under its key, on the next connection.
        let unsettled = Mutex<(to: Int?, frame: ClientFrame)?>(nil)
    }

    static func name(_ number: Int) -> String { "soak-\(number)" }

    /// Runs until the task is cancelled.
    func run() async throws {
        let progress = Progress()
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        while true {
            do {
                let socket = try await ServerElection(endpoint: endpoint).connect()
                try await stay(on: socket, progress)
                backoff.reset()
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
            }
            ledger.reconnected()
            try await pause(backoff.next(using: &generator))
        }
    }

    /// One connection, until it is time for another.
    private func stay(on socket: Descriptor, _ progress: Progress) async throws {
        let hello = ClientFrame.Hello(
            role: .agent(.init(sessionID: "soak-session-\(number)", name: Self.name(number))),
            nonce: "soak-nonce-\(number)",
            features: [.acks, .receipts, .hold, .keys]
        )
        let (answers, answered) = AsyncStream.makeStream(of: ServerFrame.self)
        try await BusConnection.withConnection(on: socket) { inbound, outbound in
            try await outbound.write(ClientRequest(.hello(hello)))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for try await frame in inbound {
                        switch frame {
                        case .message(let message):
                            if let message = SoakMessage(message.text) {
                                ledger.received(message, by: number, at: .now)
                            }
                            try await outbound.write(ClientRequest(.ack([message.id])))
                        case .sent, .error: answered.yield(frame)
                        case .welcome: ledger.joined(number)
                        default: break
                        }
                    }
                }
                tasks.addTask {
                    var answers = answers.makeAsyncIterator()
                    try await write(outbound, &answers, progress)
                }
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        }
    }

    private func write(
        _ outbound: BusConnection.Outbound,
        _ answers: inout AsyncStream<ServerFrame>.AsyncIterator,
        _ progress: Progress
    ) async throws {
        while !ledger.haveJoined(count) { try await pause(.milliseconds(50)) }
        while true {
            let unsettled = progress.unsettled.withLock { $0 }
            if unsettled == nil {
                try await pause(interval * Double.random(in: 0.2...1.8))
                guard .now < end else {
                    // What comes now is still taken.
                    try await pause(.seconds(86_400))
                    return
                }
                if Double.random(in: 0..<1) < Self.reconnectShare { return }
            }
            let (to, frame) = unsettled ?? next(progress)
            progress.unsettled.withLock { $0 = (to, frame) }
            try await outbound.write(ClientRequest(frame))
            switch await answers.next() {
            case .sent(let sent): ledger.accepted(copies: sent.recipients)
            case .error: ledger.refused()
            default: return
            }
            progress.unsettled.withLock { $0 = nil }
        }
    }

    private func next(_ progress: Progress) -> (to: Int?, frame: ClientFrame) {
        let isBroadcast = Double.random(in: 0..<1) < Self.broadcastShare
        let receiver = isBroadcast ? number : (number + Int.random(in: 1..<count)) % count
        // Numbers of broadcasts are counted under the session itself.
        let message = SoakMessage(
            sender: number,
            number: progress.numbers.withLock { numbers in
                numbers[receiver, default: 0] += 1
                return numbers[receiver] ?? 0
            },
            isBroadcast: isBroadcast
        )
        let isLarge = Double.random(in: 0..<1) < Self.largeShare
        let bytes = isLarge ? Int.random(in: 10_000...100_000) : Int.random(in: 40...2000)
        var outgoing = ClientFrame.Outgoing(message.text(bytes: bytes))
        outgoing.key = "\(receiver)/\(message.number)"
        return isBroadcast
            ? (nil, .broadcast(outgoing)) : (receiver, .send(to: Self.name(receiver), outgoing))
    }
}
