import InterSessionCore

/// Who this client is to the bus.
struct SessionIdentity: Sendable {
    enum NameOrigin: Sendable {
        /// The user named the session.
        case given
        /// Made from the working directory.
        case suggested
    }

    var sessionID: SessionID
    var name: SessionName?
    let nameOrigin: NameOrigin
    let label: SessionLabel
    let workingDirectory: String
    /// The Claude Code process, where there is one; else this one.
    let processID: Int32
    /// Proves to the server that later connections belong to this client.
    let nonce: String

    /// - Throws: `WireError` for a name or a label that the bus would refuse.
    init(name: String?, label: String?) throws {
        let name = name ?? Environment["INTER_SESSION_NAME"]
        workingDirectory = Environment.workingDirectory
        self.name =
            try name.map { name throws(WireError) in try SessionName(validating: name) }
            ?? SessionName(suggestedBy: workingDirectory) ?? SessionName(rawValue: "claude")
        nameOrigin = name == nil ? .suggested : .given
        self.label = try SessionLabel(validating: label ?? Environment["INTER_SESSION_LABEL"] ?? "")
        sessionID = Environment["CLAUDE_CODE_SESSION_ID"].flatMap { SessionID(rawValue: $0) } ?? .random()
        processID = SystemProcess.current
        nonce = Secret.hexadecimal(bytes: 16)
    }

    var hello: ClientFrame.Hello {
        let agent = ClientFrame.AgentIntroduction(
            sessionID: sessionID.rawValue,
            name: name?.rawValue ?? "",
            label: label.rawValue,
            workingDirectory: workingDirectory,
            processID: Int(processID)
        )
        return ClientFrame.Hello(role: .agent(agent), nonce: nonce)
    }
}
