import InterSessionCore

/// A session's or a gateway's own account of itself, validated.
struct Introduction {
    enum Role {
        /// Without a nonce nobody can act for the session or take its place.
        case session(id: SessionID, name: SessionName?, workingDirectory: String, nonce: String?)
        /// `policy` says what becomes of mail that the gateway has for nobody in particular, for people.
        case gateway(of: AgentName, policy: String)
    }

    let role: Role
    let label: SessionLabel
    let processID: Int?
    /// Messages that it has shown already.
    var printed: [MessageID] = []
}
