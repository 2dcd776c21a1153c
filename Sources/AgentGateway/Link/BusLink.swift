import InterSessionCore
import Logging
import Platform

/// The gateway's connection to its bus, through as many sockets as that takes.
///
/// What is asked is asked again on the next connection, so every question must bear that: mail has a key.
actor BusLink {
    private static let features: Features = [.receipts, .acks, .replies, .history, .keys, .gateways]

    private struct Question {
        let frame: ClientFrame
        let answer: CheckedContinuation<ServerFrame, any Error>
    }

    private let endpoint: BusEndpoint
    private let hello: ClientFrame.Hello
    private let logger: Logger

    /// Who is on the bus, whenever that changes; only the newest is kept.
    nonisolated let sessions: AsyncStream<LiveSessions>
    private let sessionsChanged: AsyncStream<LiveSessions>.Continuation
    /// What sessions address to agents elsewhere. The bus hands out no more than ``WireLimits/gatewayUnacknowledged``.
    nonisolated let jobs: AsyncStream<ServerFrame.Message>
    private let jobArrived: AsyncStream<ServerFrame.Message>.Continuation

    /// Who is on the bus.
    private(set) var live = LiveSessions()
    /// The gateway's own id there, which is that of what it sends itself.
    private(set) var ownID = ""
    private var agents: Set<AgentName> = []
    private var questions: [Int: Question] = [:]
    private var lastReference = 0
    /// What is not written yet, on a connection that has its welcome.
    private var outbox: [ClientRequest]?
    private var outboxFilled: AsyncStream<Void>.Continuation?
    private var isClosed = false

    init(endpoint: BusEndpoint, introduction: ClientFrame.GatewayIntroduction, logger: Logger) {
        self.endpoint = endpoint
        hello = ClientFrame.Hello(role: .gateway(introduction), features: Self.features)
        self.logger = logger
        (sessions, sessionsChanged) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (jobs, jobArrived) = AsyncStream.makeStream()
    }

    // MARK: Asking

    /// Asks, for as long as it takes to get an answer.
    ///
    /// - Throws: `BusError.refused` for an error of the bus, `CancellationError` when the link is closed.
    func ask(_ frame: ClientFrame) async throws -> ServerFrame {
        guard !isClosed else { throw CancellationError() }
        lastReference += 1
        let reference = lastReference
        return try await withCheckedThrowingContinuation { continuation in
            questions[reference] = Question(frame: frame, answer: continuation)
            say(ClientRequest(frame, ref: "\(reference)"))
        }
    }

    /// Says what has no answer. Where there is no connection it is not said at all.
    func tell(_ frame: ClientFrame) {
        say(ClientRequest(frame))
    }

    func setAgents(_ agents: Set<AgentName>) {
        self.agents = agents
        tell(.agents(agents.map(\.rawValue)))
    }

    private func say(_ request: ClientRequest) {
        outbox?.append(request)
        outboxFilled?.yield()
    }

    // MARK: The connection

    /// Stays on the bus until the task is cancelled.
    ///
    /// - Throws: `BusError.refused` when the bus does not want the gateway.
    func run() async throws {
        defer { close() }
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        var hasComplained = false
        while true {
            do {
                let socket = try await ServerElection(endpoint: endpoint).connect()
                try await stay(on: socket)
                logger.info("the bus closed the connection")
            } catch let error as CancellationError {
                throw error
            } catch BusError.refused(let failure) where failure.code != .unauthorized {
                throw BusError.refused(failure)
            } catch {
                try Task.checkCancellation()
                if !hasComplained { logger.warning("the bus cannot be reached: \(error); still trying") }
                hasComplained = true
            }
            // A connection that had its welcome was a good one.
            if outbox != nil {
                backoff.reset()
                hasComplained = false
            }
            outbox = nil
            try await pause(backoff.next(using: &generator))
        }
    }

    private func stay(on socket: Descriptor) async throws {
        let (signals, filled) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        outboxFilled = filled
        try await BusConnection.withConnection(on: socket) { [self] inbound, outbound in
            try await outbound.write(ClientRequest(.hello(hello)))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for await _ in signals {
                        let frames = await self.takeOutbox()
                        if !frames.isEmpty { try await outbound.write(contentsOf: frames) }
                    }
                }
                tasks.addTask {
                    for try await frame in inbound { try await self.receive(frame) }
                }
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        }
    }

    private func takeOutbox() -> [ClientRequest] {
        defer { outbox = outbox.map { _ in [] } }
        return outbox ?? []
    }

    private func receive(_ frame: ServerFrame) throws {
        switch frame {
        case .welcome(let welcome): welcomed(welcome)
        case .peerJoined, .peerLeft, .renamed: tell(.list(all: false))
        case .listing(let sessions, _, _):
            live = LiveSessions(sessions)
            sessionsChanged.yield(live)
        case .message(let message): jobArrived.yield(message)
        case .sent(let sent): answer(sent.ref, with: .success(frame))
        case .messages(_, _, let ref): answer(ref, with: .success(frame))
        case .error(let failure) where outbox == nil: throw BusError.refused(failure)
        case .error(let failure):
            if failure.ref == nil { logger.warning("the bus refused something: \(failure)") }
            answer(failure.ref, with: .failure(BusError.refused(failure)))
        case .pong, .waiting, .notice, .disconnected: break
        }
    }

    private func welcomed(_ welcome: ServerFrame.Welcome) {
        ownID = welcome.sessionID
        logger.info("on the bus")
        // What was asked before comes first, in its order.
        outbox = questions.sorted { $0.key < $1.key }.map { ClientRequest($0.value.frame, ref: "\($0.key)") }
        tell(.agents(agents.map(\.rawValue)))
        tell(.list(all: false))
    }

    private func answer(_ reference: String?, with result: Result<ServerFrame, any Error>) {
        guard let reference = reference.flatMap({ Int($0) }) else { return }
        questions.removeValue(forKey: reference)?.answer.resume(with: result)
    }

    /// Nobody is answered any more.
    private func close() {
        isClosed = true
        outbox = nil
        for question in questions.values { question.answer.resume(throwing: CancellationError()) }
        questions = [:]
        sessionsChanged.finish()
        jobArrived.finish()
    }
}
