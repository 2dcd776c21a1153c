import InterSessionCore

/// A session that the bus knows, here or away, and so the owner of a mailbox. A gateway is one, too, which nobody sees.
///
/// Mail is queued for a name: whoever comes under the name gets it, and it follows a session that changes its name.
final class KnownSession {
    let mailbox: Int64
    /// The agent whose gateway it is; nil for a session.
    let gateway: AgentName?
    /// Who is known through the gateway.
    var agents: [AgentName]
    var id: SessionID
    var name: SessionName?
    var label: SessionLabel
    var workingDirectory: String
    /// When it came or went last.
    var lastSeen: Timestamp
    /// The newest message that was accepted for it by this server.
    var lastMail: MessageID?
    /// False once the registry has forgotten it.
    var isKnown = true
    /// Who took its name, and what waited for it.
    var heir: KnownSession?
    /// Nil while it is away.
    var agent: Agent?
    /// Answers in its mailbox that a tool of it waits for: they are not for the agent, unless the tool goes away.
    var withheld: Set<MessageID> = []

    init(_ owner: MailStore.Owner) {
        mailbox = owner.mailbox
        gateway = owner.gateway
        agents = owner.agents
        id = owner.sessionID
        name = owner.name
        label = owner.label
        workingDirectory = owner.workingDirectory
        lastSeen = owner.lastSeen
    }

    /// As it is stored.
    var record: MailStore.Owner {
        .init(
            mailbox: mailbox,
            sessionID: id,
            name: name,
            label: label,
            workingDirectory: workingDirectory,
            lastSeen: lastSeen,
            gateway: gateway,
            agents: agents
        )
    }

    /// How it is addressed: by its name, else by its id.
    var address: String { name?.rawValue ?? id.rawValue }

    /// What agents elsewhere call the session.
    var routingLabel: RoutingLabel? { RoutingLabel(ofSession: name?.rawValue ?? "", id: id.rawValue) }

    /// Whether the message is on a connection of the session that will say when it was seen.
    func owesAcknowledgement(of id: MessageID) -> Bool {
        withheld.contains(id) || agent?.window.unacknowledged.contains(id) ?? false
    }

    /// How many mailboxes are being moved into this one. Until they are, nothing is read from it or passes by it: what was
    /// in them is older than what comes now.
    var pendingMerges = 0

    /// What a state in the database means of a message of this mailbox.
    func describe(_ state: StoredState) -> DeliveryState {
        gateway != nil && state == .seen ? .forwarded : state.deliveryState
    }

    var summary: ServerFrame.SessionSummary {
        ServerFrame.SessionSummary(
            sessionID: id.rawValue,
            name: name?.rawValue ?? "",
            label: label.rawValue,
            workingDirectory: workingDirectory,
            since: (agent?.since ?? lastSeen).iso8601
        )
    }

    /// The gateway that it is; nil for a session.
    var gatewaySummary: ServerFrame.GatewaySummary? {
        gateway.map { name in
            ServerFrame.GatewaySummary(
                agent: name.rawValue,
                label: label.rawValue,
                policy: agent?.policy,
                processID: agent?.processID,
                since: (agent?.since ?? lastSeen).iso8601,
                isOnline: agent != nil,
                agents: agents.map(\.rawValue)
            )
        }
    }

    /// Who has what waited for this session.
    var currentOwner: KnownSession {
        var owner = self
        while let heir = owner.heir { owner = heir }
        return owner
    }

    /// Whether it was here, or got mail, since that moment.
    func wasUsed(since moment: Timestamp) -> Bool {
        agent != nil || lastSeen >= moment || lastMail.map { $0 >= MessageID(at: moment) } ?? false
    }

    /// - Parameters:
    ///   - waiting: messages that it has not seen.
    ///   - now: by the clock that only runs on.
    func detailedSummary(waiting: Int, now: ContinuousClock.Instant) -> ServerFrame.SessionSummary {
        var summary = summary
        summary.details = .init(
            isOnline: agent != nil,
            waiting: waiting,
            processID: agent?.processID,
            idleSeconds: agent.map { Int((now - $0.lastActive) / .seconds(1)) }
        )
        return summary
    }
}
