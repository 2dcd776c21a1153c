import InterSessionCore

/// A session or a gateway that the bus knows, here or away: the owner of a mailbox.
///
/// Mail is queued for a name: whoever comes under the name gets it, and it follows a session that changes its name.
final class KnownPeer {
    let mailbox: Int64
    let owner: MailboxOwner
    /// Who is known through it, where it is a gateway.
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
    var heir: KnownPeer?
    /// Nil while it is away.
    var connected: ConnectedPeer?
    /// Answers in its mailbox that a tool of it waits for: they are not for its own connection, unless the tool goes
    /// away.
    var withheld: Set<MessageID> = []
    /// How many mailboxes are being moved into this one. Until they are, nothing is read from it or passes by it: what was
    /// in them is older than what comes now.
    var pendingMerges = 0

    init(_ record: MailboxRecord) {
        mailbox = record.mailbox
        owner = record.owner
        agents = record.agents
        id = record.sessionID
        name = record.name
        label = record.label
        workingDirectory = record.workingDirectory
        lastSeen = record.lastSeen
    }

    /// As it is stored.
    var record: MailboxRecord {
        MailboxRecord(
            mailbox: mailbox,
            owner: owner,
            sessionID: id,
            name: name,
            label: label,
            workingDirectory: workingDirectory,
            lastSeen: lastSeen,
            agents: agents
        )
    }

    /// How it is addressed: by its name, else by its id.
    var address: String { name?.rawValue ?? id.rawValue }

    /// What agents elsewhere call the session.
    var routingLabel: RoutingLabel? { RoutingLabel(ofSession: name?.rawValue ?? "", id: id.rawValue) }

    /// Whether the message is on a connection of the session that will say when it was seen.
    func owesAcknowledgement(of id: MessageID) -> Bool {
        withheld.contains(id) || connected?.window.unacknowledged.contains(id) ?? false
    }

    /// What a state in the database means of a message of this mailbox.
    func describe(_ state: StoredState) -> DeliveryState {
        switch owner {
        case .session: state.deliveryState
        case .gateway: state == .seen ? .forwarded : state.deliveryState
        }
    }

    /// Who has what waited for this session.
    var currentOwner: KnownPeer {
        var owner = self
        while let heir = owner.heir { owner = heir }
        return owner
    }

    /// Whether it was here, or got mail, since that moment.
    func wasUsed(since moment: Timestamp) -> Bool {
        connected != nil || lastSeen >= moment || lastMail.map { $0 >= MessageID(at: moment) } ?? false
    }
}

/// What is told of it to those who ask.
extension KnownPeer {
    var summary: ServerFrame.SessionSummary {
        ServerFrame.SessionSummary(
            sessionID: id.rawValue,
            name: name?.rawValue ?? "",
            label: label.rawValue,
            workingDirectory: workingDirectory,
            since: (connected?.since ?? lastSeen).iso8601
        )
    }

    /// - Parameters:
    ///   - waiting: messages that it has not seen.
    ///   - now: by the clock that only runs on.
    func detailedSummary(waiting: Int, now: ContinuousClock.Instant) -> ServerFrame.SessionSummary {
        var summary = summary
        summary.details = .init(
            isOnline: connected != nil,
            waiting: waiting,
            processID: connected?.processID,
            idleSeconds: connected.map { Int((now - $0.lastActive) / .seconds(1)) }
        )
        return summary
    }

    /// Of a gateway; nil for what is none.
    var gatewaySummary: ServerFrame.GatewaySummary? {
        owner.gatewayAgent.map { agent in
            ServerFrame.GatewaySummary(
                agent: agent.rawValue,
                label: label.rawValue,
                policy: connected?.policy,
                processID: connected?.processID,
                since: (connected?.since ?? lastSeen).iso8601,
                isOnline: connected != nil,
                agents: agents.map(\.rawValue)
            )
        }
    }
}
