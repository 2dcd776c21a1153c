import AsyncAlgorithms
import InterSessionCore
import Logging
import Platform

/// Mail from outside on its way to the sessions: each message is handed to the bus, kept for later, or dropped, and only
/// then does the transport hear that it was taken.
///
/// Arrivals and changes on the bus are looked at one after the other, so that what waits for a session is delivered
/// before what comes for it later. A sender that must wait has a lane, and holds nobody else up.
struct InboundMail: Sendable {
    /// How long to wait when the bus has no room.
    private static let retryInterval: Duration = .seconds(5)
    /// How long to wait when a session has left that was there a moment ago: the bus is about to say so.
    private static let departure: Duration = .seconds(1)

    private enum Event: Sendable {
        case arrival(Arrival)
        case sessions(LiveSessions)
        case due(AgentName?)
    }

    private let link: BusLink
    private let policy: UnroutedPolicy
    private let presence: Presence
    /// Nil where nobody answers for sessions that are away.
    private let responder: Responder?
    private let failures: LetterFailures
    private let logger: Logger
    private var held: LetterStore
    private var names: MessageID.Sequence
    private var live = LiveSessions()
    private var lanes = InboundLanes()
    private var disk: Trouble
    private var busDisk: Trouble

    init(
        link: BusLink,
        policy: UnroutedPolicy,
        presence: Presence,
        responder: Responder?,
        held: LetterStore,
        failures: LetterFailures,
        lastName: MessageID?,
        logger: Logger
    ) {
        self.link = link
        self.policy = policy
        self.presence = presence
        self.responder = responder
        self.held = held
        self.failures = failures
        self.logger = logger
        names = MessageID.Sequence(after: lastName)
        disk = Trouble("mail from outside cannot be kept", logger)
        busDisk = Trouble("the bus cannot store mail", logger)
    }

    /// Runs until the transport has nothing more, or the task is cancelled.
    mutating func run(_ transport: some Transport) async throws {
        // Nothing is decided before it is known who is there.
        guard let first = await link.sessions.first(where: { _ in true }) else { return }
        try await meet(first)
        let events = merge(
            transport.receive().map { Event.arrival($0) },
            link.sessions.map { Event.sessions($0) },
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

    private mutating func take(_ arrival: Arrival) async throws {
        let letter = Letter(arrival)
        let message = InboundLanes.Unsaved(
            letter: letter,
            name: names.next(at: .now()),
            acknowledge: arrival.acknowledge
        )
        if lanes.isWaiting(letter.agent) {
            if let message = try await save([message]).first { lanes.add(message, to: letter.agent) }
        } else {
            try await place([message], of: letter.agent)
        }
        // Their transport keeps the rest.
        while !lanes.crowd.isEmpty {
            try await pause(Self.departure)
            live = await link.live
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
        for (index, message) in messages.enumerated() {
            if let stop = try await place(message.letter, as: message.name) {
                return try await wait(sender, stop, Array(messages[index...]))
            }
            try await message.acknowledge()
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
        if lanes.areMany { try await pause(time ?? Self.retryInterval) }
        lanes.open(sender, for: time, unsaved: try await save(messages))
    }

    /// Keeps messages of a sender that must wait, in their order, as far as the disk takes them.
    ///
    /// - Returns: those that it did not take.
    private mutating func save(_ messages: [InboundLanes.Unsaved]) async throws -> [InboundLanes.Unsaved] {
        for (index, message) in messages.enumerated() {
            if await !isKept(message.letter) {
                do {
                    // What came before it is only in memory: it must not get ahead of that.
                    guard !lanes.hasUnsaved(message.letter.agent) else { return Array(messages[index...]) }
                    try held.add(message.letter, as: message.name)
                    disk.end()
                } catch {
                    disk.note(error)
                    return Array(messages[index...])
                }
            }
            try await message.acknowledge()
        }
        return []
    }

    /// It was kept, and its transport did not hear so.
    private func isKept(_ letter: Letter) async -> Bool {
        if held.contains(letter) { return true }
        return await responder?.has(letter) ?? false
    }

    private mutating func place(_ letter: Letter, as name: LetterStore.Name) async throws -> Stop? {
        guard await !isKept(letter) else { return nil }
        do {
            guard !letter.text.isEmpty else {
                try fail(letter, name, "there is no text in it")
                return nil
            }
            switch live.decide(to: letter.toSession, policy: policy) {
            case .deliver(let labels):
                switch try await deliver(letter, to: labels) {
                case .accepted: return nil
                case .later(let time): return .later(time)
                case .refused(let reason): try fail(letter, name, reason)
                }
            case .hold:
                if let responder, live.isEmpty, !letter.isAutomatic, letter.agent != nil {
                    try await responder.take(letter, as: name)
                } else {
                    try held.add(letter, as: name)
                }
                disk.end()
            case .drop: logger.notice("dropped a message from \(letter.sender): it names no session")
            }
            return nil
        } catch let error as PlatformError {
            disk.note(error)
            return .disk
        }
    }

    /// Decides again on a message that is held.
    private mutating func place(_ entry: LetterStore.Entry) async throws -> Stop? {
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

    private mutating func fail(_ letter: Letter, _ name: LetterStore.Name, _ reason: String) throws {
        try failures.add(letter, as: name, because: reason)
        disk.end()
        logger.warning("a message from \(letter.sender) could not be delivered, and is kept as failed: \(reason)")
    }

    // MARK: The bus

    private enum Outcome {
        case accepted
        case later(Duration)
        case refused(String)
    }

    private mutating func deliver(_ letter: Letter, to labels: [RoutingLabel]) async throws -> Outcome {
        var message = ClientFrame.Outgoing(
            letter.text,
            inReplyTo: letter.inReplyTo,
            isAutomatic: letter.isAutomatic
        )
        message.key = letter.key
        let mail = ClientFrame.Inbound(from: letter.sender, to: live.ids(of: labels), message)
        do {
            _ = try await link.ask(.deliver(mail))
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
