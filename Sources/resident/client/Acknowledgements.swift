import InterSessionCore
import Synchronization

/// Tells the server what was printed, while printing goes on: what piles up during one write goes into the next.
final class Acknowledgements: Sendable {
    private let waiting = Mutex<[String]>([])
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() {
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ id: String) {
        waiting.withLock { $0.append(id) }
        signal.yield()
    }

    /// Sends what is added, until the task is cancelled.
    func send(through outbound: BusConnection.Outbound) async throws {
        for await _ in signals {
            let ids = waiting.withLock { ids in
                defer { ids = [] }
                return ids
            }
            if !ids.isEmpty { try await outbound.write(ClientRequest(.ack(ids))) }
        }
    }
}
