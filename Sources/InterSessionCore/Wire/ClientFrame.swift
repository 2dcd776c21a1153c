/// What a peer may say to the bus (docs/PROTOCOL.md, "Operations").
package enum ClientFrame: Equatable, Sendable {
    case hello(Hello)
    case ping
    case list
    case send(to: String, text: String)
    case broadcast(text: String)
    case rename(name: String)
    case bye

    package struct Hello: Equatable, Sendable {
        package var token: String?
        package var role: Role
        /// Makes both halves of what other connections must prove to act for this agent or to take its place.
        package var nonce: String?
        package var features: [String] = []

        package init(token: String? = nil, role: Role, nonce: String?, features: [String] = []) {
            self.token = token
            self.role = role
            self.nonce = nonce
            self.features = features
        }
    }

    package enum Role: Equatable, Sendable {
        /// A session that receives messages.
        case agent(AgentIntroduction)
        /// A one-shot tool that acts for the agent of that session.
        case control(forSession: String)
    }

    /// An agent as it presents itself. Nothing in it has been judged yet.
    package struct AgentIntroduction: Equatable, Sendable {
        package var sessionID: String?
        package var name: String
        package var label: String
        package var workingDirectory: String
        package var processID: Int?

        package init(
            sessionID: String?,
            name: String = "",
            label: String = "",
            workingDirectory: String = "",
            processID: Int? = nil
        ) {
            self.sessionID = sessionID
            self.name = name
            self.label = label
            self.workingDirectory = workingDirectory
            self.processID = processID
        }
    }
}

/// One frame of a peer, with the reference that answers to it carry.
package struct ClientRequest: Equatable, Sendable {
    package var frame: ClientFrame
    package var ref: String?

    package init(_ frame: ClientFrame, ref: String? = nil) {
        self.frame = frame
        self.ref = ref
    }
}
