import InterSessionCore

/// A session that is on the bus now.
final class Agent {
    let id: SessionID
    var name: SessionName?
    let label: SessionLabel
    let workingDirectory: String
    let processID: Int?
    /// Without one nobody can act for the agent or take its place.
    let nonce: String?
    let since: Timestamp
    let connection: Connection

    init(_ introduction: HelloHandshake.Introduction, since: Timestamp, connection: Connection) {
        id = introduction.id
        name = introduction.name
        label = introduction.label
        workingDirectory = introduction.workingDirectory
        processID = introduction.processID
        nonce = introduction.nonce
        self.since = since
        self.connection = connection
    }

    func accepts(nonce guess: String?) -> Bool {
        guard let nonce, let guess else { return false }
        return Secret.isEqual(guess, nonce)
    }

    var summary: ServerFrame.SessionSummary {
        ServerFrame.SessionSummary(
            sessionID: id.rawValue,
            name: name?.rawValue ?? "",
            label: label.rawValue,
            workingDirectory: workingDirectory,
            since: since.iso8601
        )
    }
}
