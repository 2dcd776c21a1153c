/// What a peer may say to the bus (docs/PROTOCOL.md, "Operations").
package enum ClientFrame: Equatable, Sendable {
    case hello(Hello)
    case ping
    /// `all`: the sessions that are known and not here, too.
    case list(all: Bool)
    case send(to: String, Outgoing)
    case broadcast(Outgoing)
    /// The ids of messages that the agent has seen.
    case ack([String])
    case rename(name: String)
    case disconnect
    case show(messageID: String)
    case log(LogQuery)
    case bye

    package struct Hello: Equatable, Sendable {
        package var token: String?
        package var role: Role
        /// Makes both halves of what other connections must prove to act for this agent or to take its place.
        package var nonce: String?
        package var features: Features

        package init(token: String? = nil, role: Role, nonce: String? = nil, features: Features = []) {
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
        /// A tool that reads what was said and says nothing.
        case observer
    }

    /// An agent as it presents itself. Nothing in it has been judged yet.
    package struct AgentIntroduction: Equatable, Sendable {
        package var sessionID: String?
        package var name: String
        /// Asks for the name that the session had before, else for this one, else for one like it; nil does not ask.
        package var suggestedName: String?
        package var label: String
        package var workingDirectory: String
        package var processID: Int?
        /// The messages that were shown already and whose acknowledgement may be lost.
        package var printed: [String]

        package init(
            sessionID: String?,
            name: String = "",
            suggestedName: String? = nil,
            label: String = "",
            workingDirectory: String = "",
            processID: Int? = nil,
            printed: [String] = []
        ) {
            self.sessionID = sessionID
            self.name = name
            self.suggestedName = suggestedName
            self.label = label
            self.workingDirectory = workingDirectory
            self.processID = processID
            self.printed = printed
        }
    }

    /// A message as its sender hands it in.
    package struct Outgoing: Equatable, Sendable {
        package var text: String
        /// The id of the message that this one answers.
        package var inReplyTo: String?
        /// Written by a program, which must not be answered by another for ever.
        package var isAutomatic = false
        /// Milliseconds for which `sent` may wait for the receiver to see it.
        package var receiptWithin: Int?
        /// The answer shall come to this connection and not to its agent.
        package var awaitsAnswer = false

        package init(_ text: String, inReplyTo: String? = nil, isAutomatic: Bool = false) {
            self.text = text
            self.inReplyTo = inReplyTo
            self.isAutomatic = isAutomatic
        }
    }

    /// What to look for among the messages of the past. Every part that is there narrows it.
    package struct LogQuery: Equatable, Sendable {
        /// A session that sent or received it.
        package var with: String?
        /// ISO 8601, UTC.
        package var since: String?
        /// Words that are all in it.
        package var grep: String?
        /// A session, by id or name, that has it waiting.
        package var unseenBy: String?
        package var limit: Int

        package init(
            with: String? = nil,
            since: String? = nil,
            grep: String? = nil,
            unseenBy: String? = nil,
            limit: Int = WireLimits.logEntries
        ) {
            self.with = with
            self.since = since
            self.grep = grep
            self.unseenBy = unseenBy
            self.limit = limit
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
