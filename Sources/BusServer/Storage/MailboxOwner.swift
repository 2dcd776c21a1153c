import InterSessionCore

/// Whose a mailbox is. Whoever adds a kind of owner is shown by the compiler what must know of it.
enum MailboxOwner: Hashable, Sendable {
    /// A session of this bus.
    case session
    /// The gateway of that agent, which takes mail for agents elsewhere.
    case gateway(AgentName)

    var isSession: Bool {
        switch self {
        case .session: true
        case .gateway: false
        }
    }

    /// The agent whose gateway it is; nil for what is no gateway.
    var gatewayAgent: AgentName? {
        switch self {
        case .session: nil
        case .gateway(let agent): agent
        }
    }
}

/// A mailbox and its owner, as they are stored.
struct MailboxRecord: Sendable {
    let mailbox: Int64
    var owner = MailboxOwner.session
    let sessionID: SessionID
    let name: SessionName?
    let label: SessionLabel
    let workingDirectory: String
    /// When the owner came or went last.
    let lastSeen: Timestamp
    /// The agents that are known through a gateway.
    var agents: [AgentName] = []
}
