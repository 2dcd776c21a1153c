import Platform

/// Who this process is to the bus, as its environment says.
package struct SessionIdentity: Sendable {
    package enum NameOrigin: Sendable {
        /// The user named the session.
        case given
        /// Made from the working directory, for a session that had no name before.
        case suggested
    }

    package var sessionID: SessionID
    /// The name that is wanted, or that the bus gave. Nil when there is none and the directory suggests none.
    package var name: SessionName?
    package let nameOrigin: NameOrigin
    package let label: SessionLabel
    package let workingDirectory: String
    /// Proves to the server that later connections belong to this process.
    package let nonce: String

    /// - Throws: ``WireError`` for a name or a label that the bus would refuse.
    package init(name: String?, label: String? = nil) throws {
        let name = name ?? Environment["INTER_SESSION_NAME"]
        workingDirectory = Environment.workingDirectory
        self.name =
            try name.map { name throws(WireError) in try SessionName(validating: name) }
            ?? SessionName(suggestedBy: workingDirectory)
        nameOrigin = name == nil ? .suggested : .given
        self.label = try SessionLabel(validating: label ?? Environment["INTER_SESSION_LABEL"] ?? "")
        sessionID = Environment["CLAUDE_CODE_SESSION_ID"].flatMap { SessionID(rawValue: $0) } ?? .random()
        nonce = Secret.hexadecimal(bytes: 16)
    }

    /// - Parameter received: the messages that the session has already.
    package func hello(received: [MessageID], features: Features) -> ClientFrame.Hello {
        let agent = ClientFrame.SessionIntroduction(
            sessionID: sessionID.rawValue,
            name: nameOrigin == .given ? name?.rawValue ?? "" : "",
            suggestedName: nameOrigin == .given ? nil : name?.rawValue ?? "",
            label: label.rawValue,
            workingDirectory: workingDirectory,
            processID: Int(SystemProcess.current),
            printed: received.map(\.description)
        )
        return ClientFrame.Hello(role: .agent(agent), nonce: nonce, features: features)
    }
}
