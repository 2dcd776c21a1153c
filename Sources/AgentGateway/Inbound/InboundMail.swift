import AsyncAlgorithms
import InterSessionCore
import Logging

/// Mail from outside on its way to the sessions: each message is handed to the bus, kept for later, or dropped, and only
/// then does the transport hear that it was taken.
///
/// Arrivals and changes on the bus are looked at one after the other, so that what waits for a session is delivered
/// before what comes for it later.
struct InboundMail: Sendable {
    /// How long to wait when the bus has no room.
    private static let retryInterval: Duration = .seconds(5)

    private enum Event: Sendable {
        case arrival(Arrival)
        case sessions(LiveSessions)
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
    }

    /// Runs until the transport has nothing more, or the task is cancelled.
    mutating func run(_ transport: some Transport) async throws {
        // Nothing is decided before it is known who is there.
        guard let first = await link.sessions.first(where: { _ in true }) else { return }
        try await meet(first)
        let events = merge(
            transport.receive().map { Event.arrival($0) },
            link.sessions.map { Event.sessions($0) }
        )
        for try await event in events {
            switch event {
            case .arrival(let arrival):
                try await place(Letter(arrival))
                try await arrival.acknowledge()
            case .sessions(let sessions): try await meet(sessions)
            }
        }
    }

    private mutating func place(_ letter: Letter) async throws {
        // It was kept, and its transport did not hear so.
        guard !held.contains(letter), await responder?.has(letter) != true else { return }
        let name = names.next(at: .now())
        guard !letter.text.isEmpty else { return try fail(letter, name, "there is no text in it") }
        switch live.decide(to: letter.toSession, policy: policy) {
        case .deliver(let labels):
            switch try await deliver(letter, to: labels) {
            case .accepted: break
            case .gone: try held.add(letter, as: name)
            case .refused(let reason): try fail(letter, name, reason)
            }
        case .hold:
            if let responder, live.isEmpty, !letter.isAutomatic, letter.agent != nil {
                try await responder.take(letter, as: name)
            } else {
                try held.add(letter, as: name)
            }
        case .drop: logger.notice("dropped a message from \(letter.sender): it names no session")
        }
    }

    /// Decides again on what is held.
    private mutating func meet(_ sessions: LiveSessions) async throws {
        live = sessions
        presence.update(isEmpty: sessions.isEmpty)
        for entry in held.entries {
            switch live.decide(to: entry.target, policy: policy) {
            case .hold: continue
            case .drop: held.remove(entry.name)
            case .deliver(let labels):
                switch try await deliver(held.read(entry.name), to: labels) {
                case .accepted: held.remove(entry.name)
                case .gone: continue
                case .refused(let reason): try held.move(entry.name, to: failures, because: (reason + "\n").utf8)
                }
            }
        }
    }

    private func fail(_ letter: Letter, _ name: LetterStore.Name, _ reason: String) throws {
        logger.warning("a message from \(letter.sender) could not be delivered, and is kept as failed: \(reason)")
        try failures.add(letter, as: name, because: reason)
    }

    private enum Outcome {
        case accepted
        /// A session that was chosen has left.
        case gone
        case refused(String)
    }

    private func deliver(_ letter: Letter, to labels: [RoutingLabel]) async throws -> Outcome {
        var message = ClientFrame.Outgoing(
            letter.text,
            inReplyTo: letter.inReplyTo,
            isAutomatic: letter.isAutomatic
        )
        message.key = letter.key
        let mail = ClientFrame.Inbound(from: letter.sender, to: live.ids(of: labels), message)
        while true {
            do {
                _ = try await link.ask(.deliver(mail))
                return .accepted
            } catch BusError.refused(let failure) {
                switch failure.code {
                case "unknown_peer": return .gone
                case "rate_limited": try await pause(.seconds(failure.retryAfter ?? 1))
                case "storage_full":
                    logger.warning("the bus cannot store mail: \(failure.message); still trying")
                    try await pause(Self.retryInterval)
                default: return .refused(failure.description)
                }
            }
        }
    }
}
