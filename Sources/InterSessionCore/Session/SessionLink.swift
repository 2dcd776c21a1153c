/// The life of a peer on the bus, through as many connections as it takes: dial, say hello, read, hand mail over,
/// acknowledge it, and come back.
///
/// One process has one link for each peer that it is. What mail is handed to is a ``MessageSink``; what differs between
/// peers is decided by a ``LinkPeer``.
package final class SessionLink: Sendable {
    /// How long a peer stays on the bus.
    package enum Stay: Sendable {
        case forGood
        /// Until all that waited for it at its arrival is acknowledged.
        case untilMailIsTaken
    }

    /// Why a link has ended.
    package enum End: Equatable, Sendable {
        /// The peer wanted to.
        case left
        /// Another connection has taken the place of this one, and would be replaced in turn by our next.
        case replaced
        /// The peer's user has told it to leave the bus.
        case gone
        case refused(ServerFrame.Failure)
    }

    private let dialer: BusDialer
    private let received: ReceivedMessages?
    private let stay: Stay
    private let clock: any Clock<Duration>
    private let outbox = LinkOutbox()

    /// - Parameters:
    ///   - received: what the peer has already: that is acknowledged and not handed over again. Nil where the sink knows,
    ///     or wants to see, what comes twice.
    ///   - clock: for the time between two connections.
    package init(
        _ dialer: BusDialer,
        received: ReceivedMessages? = nil,
        stay: Stay = .forGood,
        clock: any Clock<Duration> = EventLoopClock()
    ) {
        self.dialer = dialer
        self.received = received
        self.stay = stay
        self.clock = clock
    }

    // MARK: Saying something

    /// Asks, again on each connection for as long as it takes to get an answer. So a question must bear repetition: mail
    /// has a key.
    ///
    /// - Throws: ``BusError/refused(_:)``, and `CancellationError` when the link has ended.
    package func ask(_ frame: ClientFrame) async throws -> ServerFrame {
        try await outbox.ask(frame)
    }

    /// Says what has no answer. Where there is no connection, it is not said at all.
    package func tell(_ frame: ClientFrame) {
        outbox.add(ClientRequest(frame))
    }

    /// Acknowledges a message whose sink has said ``Handover/pending``.
    package func acknowledge(_ id: String) {
        if let id = MessageID(id) { received?.insert(id) }
        outbox.acknowledge(id)
    }

    // MARK: Connections

    /// Runs until the peer leaves, the bus sends it away for good, or the task is cancelled.
    ///
    /// - Throws: what the peer throws when a connection is lost, and `CancellationError`.
    package func run(_ peer: some LinkPeer, _ sink: some MessageSink) async throws -> End {
        defer { outbox.close() }
        var backoff = Backoff.reconnect
        var attempts = 0
        while true {
            let failure: any Error
            do {
                guard let hello = try await peer.hello() else { return .left }
                let outcome = try await dialer.open { [self] inbound, outbound in
                    try await converse(hello, inbound, outbound, peer, sink)
                }
                switch outcome {
                case .end(let end): return end
                case .again: continue
                case .lost(let error): failure = error
                }
            } catch BusError.closed(_, _) where outbox.isLeaving {
                return .left
            } catch BusError.closed(CloseCode.replaced.rawValue, _) {
                return .replaced
            } catch BusError.closed(CloseCode.gone.rawValue, _) {
                return .gone
            } catch {
                try Task.checkCancellation()
                failure = error
            }
            // A connection that had its welcome was a good one.
            if outbox.hangUp() {
                backoff = .reconnect
                attempts = 0
            }
            attempts += 1
            try await peer.lost(failure, attempts: attempts)
            try await clock.sleep(for: backoff.next())
        }
    }

    /// One connection, from hello to its end.
    private func converse(
        _ hello: ClientFrame.Hello,
        _ inbound: BusConnection.Inbound,
        _ outbound: BusConnection.Outbound,
        _ peer: some LinkPeer,
        _ sink: some MessageSink
    ) async throws -> ConversationOutcome {
        try await outbound.write(ClientRequest(.hello(hello)))
        let frames = FrameQueue(capacity: sink.mostAtOnce)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.outbox.write(to: outbound) }
            tasks.addTask { await frames.read(inbound) }
            defer { tasks.cancelAll() }
            var waiting: Int?
            while let next = try await frames.next(mostMail: sink.mostAtOnce) {
                switch next {
                case .mail(let mail):
                    try await handOver(mail, to: sink, acknowledges: hello.features.contains(.acks))
                    waiting? -= mail.count
                case .other(.waiting(let count)):
                    try await peer.received(.waiting(count: count))
                    waiting = count
                case .other(let frame):
                    if let outcome = try await receive(frame, peer) { return outcome }
                }
                if stay == .untilMailIsTaken, waiting == 0 {
                    outbox.leave()
                    waiting = nil
                }
            }
            throw BusError.closed(code: nil, reason: "")
        }
    }

    /// Returns when the sink has all of it: only then does it get more.
    private func handOver(_ mail: [IncomingMail], to sink: some MessageSink, acknowledges: Bool) async throws {
        let fresh = mail.filter { !isReceived($0) }
        // The acknowledgement of the rest was lost, and its sender waits for that.
        if acknowledges {
            for message in mail where isReceived(message) { outbox.acknowledge(message.id) }
        }
        guard !fresh.isEmpty, try await sink.take(fresh) == .received else { return }
        for message in fresh {
            if let id = MessageID(message.id) { received?.insert(id) }
            if acknowledges { outbox.acknowledge(message.id) }
        }
    }

    private func isReceived(_ mail: IncomingMail) -> Bool {
        guard let received, let id = MessageID(mail.id) else { return false }
        return received.contains(id)
    }

    private func receive(_ frame: ServerFrame, _ peer: some LinkPeer) async throws -> ConversationOutcome? {
        switch frame {
        case .welcome(let welcome):
            outbox.pickUp()
            try await peer.welcomed(welcome, on: self)
        case .sent(let sent):
            outbox.answer(sent.ref, with: .success(frame))
        case .messages(_, _, let ref), .pong(let ref), .disconnected(let ref):
            outbox.answer(ref, with: .success(frame))
        case .error(let failure):
            if outbox.answer(failure.ref, with: .failure(BusError.refused(failure))) { return nil }
            switch try await peer.refused(failure, isWelcome: outbox.isConnected) {
            case .stay: return nil
            case .again: return .again
            case .retry: return .lost(failure)
            case .end: return .end(.refused(failure))
            }
        case .listing(_, _, let ref), .renamed(_, _, let ref):
            if !outbox.answer(ref, with: .success(frame)) { try await peer.received(frame) }
        case .peerJoined, .peerLeft, .waiting, .message, .notice:
            try await peer.received(frame)
        }
        return nil
    }
}

/// How a link gets a connection.
package struct BusDialer: Sendable {
    package typealias Conversation =
        @Sendable (BusConnection.Inbound, BusConnection.Outbound) async throws -> ConversationOutcome

    fileprivate let open: @Sendable (@escaping Conversation) async throws -> ConversationOutcome

    /// - Parameter open: opens a connection, hands its two ends to the conversation, and closes it behind that.
    package init(_ open: @escaping @Sendable (@escaping Conversation) async throws -> ConversationOutcome) {
        self.open = open
    }

    /// Dials the server of the endpoint, and starts one where there is none.
    package static func electing(_ endpoint: BusEndpoint) -> BusDialer {
        BusDialer { conversation in
            try await BusConnection.withConnection(
                on: try await ServerElection(endpoint: endpoint).connect(),
                conversation
            )
        }
    }
}

/// What a link does after a conversation that has not failed.
package enum ConversationOutcome: Sendable {
    case end(SessionLink.End)
    /// At once: the hello has changed.
    case again
    case lost(any Error)
}
