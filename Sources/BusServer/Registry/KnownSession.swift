import InterSessionCore

/// A session that the bus knows, here or away, and so the owner of a mailbox.
///
/// Mail is queued for a name: whoever comes under the name gets it, and it follows a session that changes its name.
final class KnownSession {
    let mailbox: Int64
    var id: SessionID
    var name: SessionName?
    var label: SessionLabel
    var workingDirectory: String
    /// When it came or went last.
    var lastSeen: Timestamp
    /// Nil while it is away.
    var agent: Agent?
    /// Answers in its mailbox that a tool of it waits for: they are not for the agent, unless the tool goes away.
    var withheld: Set<MessageID> = []

    init(_ owner: MailStore.Owner) {
        mailbox = owner.mailbox
        id = owner.sessionID
        name = owner.name
        label = owner.label
        workingDirectory = owner.workingDirectory
        lastSeen = owner.lastSeen
    }

    var owner: MailStore.Owner {
        .init(
            mailbox: mailbox,
            sessionID: id,
            name: name,
            label: label,
            workingDirectory: workingDirectory,
            lastSeen: lastSeen
        )
    }

    /// How it is addressed: by its name, else by its id.
    var address: String { name?.rawValue ?? id.rawValue }

    /// Whether the message is on a connection of the session that will say when it was seen.
    func owesAcknowledgement(of id: MessageID) -> Bool {
        withheld.contains(id) || agent?.window.unacknowledged.contains(id) ?? false
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

    /// - Parameter waiting: messages that it has not seen.
    func detailedSummary(waiting: Int) -> ServerFrame.SessionSummary {
        var summary = summary
        summary.details = .init(
            isOnline: agent != nil,
            waiting: waiting,
            processID: agent?.processID,
            idleSeconds: agent.map { Int((Timestamp.now().microseconds - $0.lastActive.microseconds) / 1_000_000) }
        )
        return summary
    }
}
