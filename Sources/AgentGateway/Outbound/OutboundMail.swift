import InterSessionCore
import Logging
import NIOCore
import Platform
import Synchronization

/// Mail of the sessions to agents elsewhere. It waits on the bus until the transport has it, or it is given up.
struct OutboundMail<Ticker: Clock<Duration>>: Sendable {
    /// How long a message is tried before its sender hears that it did not go.
    let retryTime: Duration
    /// What the memory is worth that such a body leaves behind.
    private static var largeBody: Int { 1024 * 1024 }
    let agent: AgentName
    let gateway: GatewayPeer
    let clock: Ticker
    let logger: Logger
    private let ledger = Ledger()

    init(agent: AgentName, gateway: GatewayPeer, retryTime: Duration, clock: Ticker, logger: Logger) {
        self.agent = agent
        self.gateway = gateway
        self.clock = clock
        self.retryTime = retryTime
        self.logger = logger
    }

    /// Runs until the link is closed.
    func run(_ transport: some Transport) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            var lanes: [AgentName: AsyncStream<Job>.Continuation] = [:]
            defer { for lane in lanes.values { lane.finish() } }
            for await message in gateway.outgoing {
                guard let id = MessageID(message.id) else { continue }
                switch ledger.take(id) {
                case .isNew: break
                case .isInHand: continue
                case .isSettled(let settlement):
                    // It was handed out again, because what we said of it was lost.
                    tell(settlement, of: id)
                    continue
                }
                guard let address = message.to.flatMap({ OutsideAddress($0) }) else {
                    settle(id, .returned("'\(message.to ?? "")' is no address"))
                    continue
                }
                let job = Job(id: id, address: address, message: message, giveUp: clock.now.advanced(by: retryTime))
                if lanes[address.agent] == nil {
                    // What is for one agent goes in its order; another does not wait for it.
                    let (jobs, lane) = AsyncStream.makeStream(of: Job.self)
                    lanes[address.agent] = lane
                    tasks.addTask { try await forward(jobs, to: address.agent, transport) }
                }
                lanes[address.agent]?.yield(job)
            }
        }
    }

    /// A message in hand. It is let go as soon as there is a body: in memory is one of the two.
    private final class Job: Sendable {
        let id: MessageID
        let address: OutsideAddress
        let giveUp: Ticker.Instant
        private let message: Mutex<ServerFrame.Message?>

        init(id: MessageID, address: OutsideAddress, message: ServerFrame.Message, giveUp: Ticker.Instant) {
            self.id = id
            self.address = address
            self.message = Mutex(message)
            self.giveUp = giveUp
        }

        func takeMessage() -> ServerFrame.Message? {
            message.withLock { message in
                defer { message = nil }
                return message
            }
        }
    }

    private func forward(_ jobs: AsyncStream<Job>, to agent: AgentName, _ transport: some Transport) async throws {
        var outage = Outage("mail to '\(agent)' cannot be forwarded", logger)
        for await job in jobs {
            guard let body = try await body(of: job) else { continue }
            settle(job.id, try await forward(body, job, transport, &outage))
            if body.readableBytes >= Self.largeBody { SystemProcess.returnUnusedMemory() }
        }
    }

    /// Tries until the transport has it, or it is given up.
    private func forward(
        _ body: ByteBuffer,
        _ job: Job,
        _ transport: some Transport,
        _ outage: inout Outage
    ) async throws -> Settlement {
        var backoff = Backoff.retry
        while true {
            do {
                try await transport.send(body, to: job.address.agent, id: job.id)
                outage.end()
                return .forwarded
            } catch .refused(let reason) {
                return .returned(reason)
            } catch {
                try Task.checkCancellation()
                guard job.giveUp > clock.now else { return .returned("\(error)") }
                outage.note(error)
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    private func settle(_ id: MessageID, _ settlement: Settlement) {
        ledger.settle(id, settlement)
        tell(settlement, of: id)
    }

    private func tell(_ settlement: Settlement, of id: MessageID) {
        switch settlement {
        case .forwarded: gateway.acknowledge(id)
        case .returned(let reason):
            logger.warning("message \(id) is given back to its sender: \(reason)")
            gateway.giveBack(id, because: reason)
        }
    }

    // MARK: Envelopes

    private func body(of job: Job) async throws -> ByteBuffer? {
        guard let message = job.takeMessage() else { return nil }
        return try await envelope(of: message, job).encode()
    }

    private func envelope(of message: ServerFrame.Message, _ job: Job) async throws -> SessionEnvelope {
        let time = job.id.time
        var envelope = SessionEnvelope()
        envelope.bucket = .init(of: time)
        // What the gateway itself says is the agent's, and of no session.
        let isOwn = await gateway.ownID == message.from
        let label = isOwn ? nil : RoutingLabel(ofSession: message.fromName, id: message.from)
        envelope.scope.key = "\(agent):\(label?.rawValue ?? "")"
        envelope.scope.workingDirectory = await gateway.live[message.from]?.workingDirectory ?? ""
        // Must not be a label: where there is none, a reader would take it for one.
        envelope.scope.wrapperSessionID = isOwn ? "gateway.\(agent)" : message.from
        envelope.scope.harnessSessionID = isOwn ? "" : message.from
        envelope.message.id = message.id
        envelope.message.text = message.text
        envelope.message.timestamp = time.iso8601
        envelope.source.role = message.isAutomatic ? "auto" : nil
        envelope.routing.fromSession = label
        envelope.routing.toSession = job.address.label
        envelope.routing.isAutomatic = message.isAutomatic
        if let question = message.inReplyTo {
            // The gateway answers what was never on the bus, and names it as its sender did.
            envelope.routing.inReplyTo =
                isOwn ? question : try await foreignID(of: question, for: job.address.agent)
        }
        return envelope
    }

    /// What the agent calls a message of this bus; nil when the agent cannot know it.
    private func foreignID(of id: String, for agent: AgentName) async throws -> String? {
        do {
            guard case .messages(let messages, _, _) = try await gateway.ask(.show(messageID: id)),
                let mail = messages.first
            else { return nil }
            if let foreign = mail.key.flatMap({ InboundMessageKey.id(in: $0, of: agent) }) { return foreign }
            // One of ours to the same agent, which knows it by our id.
            return mail.message.to.flatMap { OutsideAddress($0) }?.agent == agent ? id : nil
        } catch is BusError {
            return nil
        }
    }
}

/// What has become of a message to an agent elsewhere.
private enum Settlement {
    case forwarded
    case returned(String)
}

/// Which messages are in hand, and what has become of the newest ones that were.
private final class Ledger: Sendable {
    /// Far more than the bus hands out again.
    private static let kept = 64 * WireLimits.gatewayUnacknowledged

    private struct State {
        var inHand: Set<MessageID> = []
        var settled: [MessageID: Settlement] = [:]
        var order: [MessageID] = []
    }

    private let state = Mutex(State())

    enum Finding {
        case isNew, isInHand
        case isSettled(Settlement)
    }

    /// Takes a message in hand, unless it was before.
    func take(_ id: MessageID) -> Finding {
        state.withLock { state in
            if let settlement = state.settled[id] { return .isSettled(settlement) }
            return state.inHand.insert(id).inserted ? .isNew : .isInHand
        }
    }

    func settle(_ id: MessageID, _ settlement: Settlement) {
        state.withLock { state in
            state.inHand.remove(id)
            state.settled[id] = settlement
            state.order.append(id)
            guard state.order.count > 2 * Self.kept else { return }
            for old in state.order.prefix(Self.kept) { state.settled[old] = nil }
            state.order.removeFirst(Self.kept)
        }
    }
}
