import Synchronization

/// The frames of one connection that were read and not handled yet, so that mail that waits can be handed over together.
///
/// It has one reader of the connection, which stops reading where there is no room, and one taker.
final class FrameQueue: Sendable {
    enum Element {
        case mail([IncomingMail])
        case other(ServerFrame)
    }

    fileprivate struct State {
        var frames: [ServerFrame] = []
        /// Nothing more comes behind them.
        var end: Result<Void, any Error>?
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let (filled, fill) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let (emptied, empty) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Reads until the connection ends, or the task is cancelled.
    func read(_ inbound: BusConnection.Inbound) async {
        var room = emptied.makeAsyncIterator()
        do {
            for try await frame in inbound {
                while !add(frame) {
                    guard await room.next() != nil else { return }
                }
            }
            finish(.success(()))
        } catch {
            finish(.failure(error))
        }
    }

    private func add(_ frame: ServerFrame) -> Bool {
        let isAdded = state.withLock { state in
            guard state.frames.count < capacity else { return false }
            state.frames.append(frame)
            return true
        }
        if isAdded { fill.yield() }
        return isAdded
    }

    private func finish(_ end: Result<Void, any Error>) {
        state.withLock { $0.end = end }
        fill.yield()
    }

    /// The next frame, or as many messages as wait for the taker one behind the other.
    ///
    /// - Returns: nil at the end of the connection.
    /// - Throws: what has ended the connection, `CancellationError`.
    func next(mostMail: Int) async throws -> Element? {
        var more = filled.makeAsyncIterator()
        while true {
            let (element, end) = state.withLock { state in (state.take(mostMail), state.end) }
            if let element {
                empty.yield()
                return element
            }
            if let end {
                try end.get()
                return nil
            }
            guard await more.next() != nil else { throw CancellationError() }
        }
    }
}

extension FrameQueue.State {
    fileprivate mutating func take(_ mostMail: Int) -> FrameQueue.Element? {
        let mail = frames.lazy.prefix(mostMail).map(\.mail).prefix { $0 != nil }.compactMap { $0 }
        guard mail.isEmpty else {
            defer { frames.removeFirst(mail.count) }
            return .mail(Array(mail))
        }
        return frames.isEmpty ? nil : .other(frames.removeFirst())
    }
}

extension ServerFrame {
    fileprivate var mail: IncomingMail? {
        switch self {
        case .message(let message): .message(message)
        case .notice(let notice): .notice(notice)
        case .welcome, .peerJoined, .peerLeft, .pong, .listing, .renamed, .waiting, .sent, .messages, .disconnected,
            .error:
            nil
        }
    }
}
