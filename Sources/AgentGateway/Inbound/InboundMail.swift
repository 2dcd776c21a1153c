import AsyncAlgorithms
import InterSessionCore
import Logging
import Platform

/// Mail from outside on its way to the sessions: each message is handed to the bus, kept for later, or dropped, and only
/// then does the transport hear that it was taken.
///
/// Arrivals and changes on the bus are looked at one after the other, so that what waits for a session is delivered
/// before what comes for it later. A sender that must wait has a lane, and holds nobody else up.
struct InboundMail<Ticker: Clock<Duration>>: Sendable {
    /// How long to wait when the bus has no room.
    private static var retryInterval: Duration { .seconds(5) }
    /// How long to wait when a session has left that was there a moment ago: the bus is about to say so.
    private static var departure: Duration { .seconds(1) }

    private enum Event: Sendable {
        case arrival(Arrival)
        case sessions(LiveSessions)
        case due(AgentName?)
    }

    private let gateway: GatewayPeer
    private let policy: UnroutedPolicy
    private let presence: Presence<Ticker>
    /// Nil where nobody answers for sessions that are away.
    private let responder: Responder?
    private let failures: FailedMessages
    /// For what waits.
    private let clock: Ticker
    private let logger: Logger
    private var held: InboundMessageStore
    private var names: MessageID.Sequence
    private var live = LiveSessions()
    private var lanes = InboundLanes()
    private var disk: Outage
    private var busDisk: Outage

    init(
        gateway: GatewayPeer,
        policy: UnroutedPolicy,
        presence: Presence<Ticker>,
        responder: Responder?,
        held: InboundMessageStore,
        failures: FailedMessages,
        lastName: MessageID?,
        clock: Ticker,
        logger: Logger
    ) {
        self.gateway = gateway
        self.policy = policy
        self.presence = presence
        self.responder = responder
        self.held = held
        self.failures = failures
        self.clock = clock
        self.logger = logger
        names = MessageID.Sequence(after: lastName)
        disk = Outage("mail from outside cannot be kept", logger)
        busDisk = Outage("the bus cannot store mail", logger)
    }

    /// Runs until the transport has nothing more, or the task is cancelled.
    mutating func run(_ transport: some Transport) async throws {
        // Nothing is decided before it is known who is there.
        guard let first = await gateway.sessions.first(where: { _ in true }) else { return }
        try await withThrowingTaskGroup(of: Void.self) { [timers = lanes, clock] tasks in
            tasks.addTask { await timers.run(by: clock) }
            defer { tasks.cancelAll() }
            try await meet(first)
            let events = merge(
                transport.receive().map { Event.arrival($0) },
                gateway.sessions.map { Event.sessions($0) },
                lanes.due.map { Event.due($0) }
            )
            for try await event in events {
                switch event {
                case .arrival(let arrival): try await take(arrival)
                case .sessions(let sessions): try await meet(sessions)
                case .due(let sender): try await goOn(sender)
                }
            }
        }
    }

    private mutating func take(_ arrival: Arrival) async throws {
        let message = InboundMessage(arrival)
        let unsaved = InboundLanes.Unsaved(
            message: message,
            name: names.next(at: .now()),
            acknowledge: arrival.acknowledge
        )
        if lanes.isWaiting(message.agent) {
            if let unsaved = try await save([unsaved]).first { lanes.add(unsaved, to: message.agent) }
        } else {
            try await place([unsaved], of: message.agent)
        }
        // Their transport keeps the rest.
        while !lanes.crowd.isEmpty {
            try await clock.sleep(for: Self.departure)
            live = await gateway.live
            for sender in lanes.crowd { try await goOn(sender) }
        }
    }

    /// Decides again on what is held for sessions that may have come.
    private mutating func meet(_ sessions: LiveSessions) async throws {
        live = sessions
        presence.update(isEmpty: sessions.isEmpty)
        for entry in held.entries where !lanes.isWaiting(entry.agent) {
            if let stop = try await place(entry) { try await wait(entry.agent, stop, []) }
        }
    }

    /// Goes on with a sender that had to wait: what is on disk came first.
    private mutating func goOn(_ sender: AgentName?) async throws {
        guard let unsaved = lanes.close(sender) else { return }
        for entry in held.entries where entry.agent == sender {
            if let stop = try await place(entry) { return try await wait(sender, stop, unsaved) }
        }
        try await place(unsaved, of: sender)
    }

    // MARK: Places

    /// Why a message has not found its place yet.
    private enum Stop {
        case later(Duration)
        case disk
    }

    /// Finds a place for messages that nobody has but their transport.
    private mutating func place(_ messages: [InboundLanes.Unsaved], of sender: AgentName?) async throws {
        for (index, unsaved) in messages.enumerated() {
            if let stop = try await place(unsaved.message, as: unsaved.name) {
                return try await wait(sender, stop, Array(messages[index...]))
            }
            try await unsaved.acknowledge()
        }
        lanes.succeeded(sender)
    }

    private mutating func wait(
        _ sender: AgentName?,
        _ stop: Stop,
        _ messages: [InboundLanes.Unsaved]
    ) async throws {
        var time: Duration?
        if case .later(let duration) = stop { time = duration }
        // Nobody is left who could go on meanwhile.
        if lanes.areMany { try await clock.sleep(for: time ?? Self.retryInterval) }
        lanes.open(sender, for: time, unsaved: try await save(messages))
    }

    /// Keeps messages of a sender that must wait, in their order, as far as the disk takes them.
    ///
    /// - Returns: those that it did not take.
    private mutating func save(_ messages: [InboundLanes.Unsaved]) async throws -> [InboundLanes.Unsaved] {
        for (index, unsaved) in messages.enumerated() {
            if await !isKept(unsaved.message) {
                do {
                    // What came before it is only in memory: it must not get ahead of that.
                    guard !lanes.hasUnsaved(unsaved.message.agent) else { return Array(messages[index...]) }
                    try held.add(unsaved.message, as: unsaved.name)
                    disk.end()
                } catch {
                    disk.note(error)
                    return Array(messages[index...])
                }
            }
            try await unsaved.acknowledge()
        }
        return []
    }

    /// It was kept, and its transport did not hear so.
    private func isKept(_ message: InboundMessage) async -> Bool {
        if held.contains(message) { return true }
        return await responder?.has(message) ?? false
    }

    private mutating func place(_ message: InboundMessage, as name: InboundMessageStore.Name) async throws -> Stop? {
        guard await !isKept(message) else { return nil }
        do {
            guard !message.text.isEmpty else {
                try fail(message, name, "there is no text in it")
                return nil
            }
            switch live.decide(to: message.toSession, policy: policy) {
            case .deliver(let labels):
                switch try await deliver(message, to: labels) {
                case .accepted: return nil
                case .later(let time): return .later(time)
                case .refused(let reason): try fail(message, name, reason)
                }
            case .hold:
                if let responder, live.isEmpty, !message.isAutomatic, message.agent != nil {
                    try await responder.take(message, as: name)
                } else {
                    try held.add(message, as: name)
                }
                disk.end()
            case .drop: logger.notice("dropped a message from \(message.sender): it names no session")
            }
            return nil
        } catch let error as PlatformError {
            disk.note(error)
            return .disk
        }
    }

    /// Decides again on a message that is held.
    private mutating func place(_ entry: InboundMessageStore.Entry) async throws -> Stop? {
        do {
            switch live.decide(to: entry.target, policy: policy) {
            case .hold: break
            case .drop: held.remove(entry.name)
            case .deliver(let labels):
                switch try await deliver(held.read(entry.name), to: labels) {
                case .accepted: held.remove(entry.name)
                case .later(let time): return .later(time)
                case .refused(let reason): try held.move(entry.name, to: failures, because: (reason + "\n").utf8)
                }
            }
        } catch let error as PlatformError where !error.isMissingFile {
            disk.note(error)
            return .disk
        } catch  where error is PlatformError || error is JSONError {
            logger.error("a message that was held cannot be read any more: \(error)")
            held.forget(entry.name)
        }
        return nil
    }

    private mutating func fail(_ message: InboundMessage, _ name: InboundMessageStore.Name, _ reason: String) throws {
        try failures.add(message, as: name, because: reason)
        disk.end()
        logger.warning("a message from \(message.sender) could not be delivered, and is kept as failed: \(reason)")
    }

    // MARK: The bus

    private enum Outcome {
        case accepted
        case later(Duration)
        case refused(String)
    }

    private mutating func deliver(_ message: InboundMessage, to labels: [RoutingLabel]) async throws -> Outcome {
        var outgoing = ClientFrame.Outgoing(
            message.text,
            inReplyTo: message.inReplyTo,
            isAutomatic: message.isAutomatic
        )
        outgoing.key = message.key
        let mail = ClientFrame.Inbound(from: message.sender, to: live.ids(of: labels), outgoing)
        do {
            _ = try await gateway.ask(.deliver(mail))
            busDisk.end()
            return .accepted
        } catch BusError.refused(let failure) {
            switch failure.code {
            case .unknownPeer: return .later(Self.departure)
            case .rateLimited: return .later(.seconds(failure.retryAfter ?? 1))
            case .storageFull:
                busDisk.note(failure)
                return .later(Self.retryInterval)
            default: return .refused(failure.description)
            }
        }
    }
}
