/// What a peer may say to the bus (docs/PROTOCOL.md, "Operations").
package enum ClientFrame: Equatable, Sendable {
    case hello(Hello)
    case ping
    /// `all`: the sessions that are known and not here, too.
    case list(all: Bool)
    case send(to: String, Outgoing)
    case broadcast(Outgoing)
    /// The ids of messages that the session has seen.
    case ack([String])
    case rename(name: String)
    case disconnect
    case show(messageID: String)
    case log(LogQuery)
    /// A message from outside, of a gateway.
    case deliver(Inbound)
    /// The agents that are known through a gateway.
    case agents([String])
    /// A gateway could not forward the message.
    case giveBack(messageID: String, reason: String)
    case bye

    package struct Hello: Equatable, Sendable {
        package var token: String?
        package var role: Role
        /// What other connections must know to act for this session or to take its place.
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
        /// A session that receives messages. Its role is called `agent` on the wire.
        case agent(SessionIntroduction)
        /// A one-shot tool that acts for that session.
        case control(forSession: String)
        /// A tool that reads what was said and says nothing.
        case observer
        /// The owner of an agent's mailbox outside this bus.
        case gateway(GatewayIntroduction)
    }

    package struct GatewayIntroduction: Equatable, Sendable {
        /// What the sessions of this bus are called outside it.
        package var agent: String
        /// How its mail travels, for people.
        package var label: String
        /// What becomes of mail that names no session, for people: ``UnroutedPolicy``.
        package var policy: String
        package var processID: Int?

        package init(agent: String, label: String, policy: String, processID: Int? = nil) {
            self.agent = agent
            self.label = label
            self.policy = policy
            self.processID = processID
        }
    }

    /// A session as it presents itself. Nothing in it has been judged yet.
    package struct SessionIntroduction: Equatable, Sendable {
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
        /// The answer shall come to this connection and not to that of its session.
        package var awaitsAnswer = false
        /// Makes a repetition known: of one sender, what comes with a key for the second time is not accepted again.
        package var key: String?

        package init(_ text: String, inReplyTo: String? = nil, isAutomatic: Bool = false) {
            self.text = text
            self.inReplyTo = inReplyTo
            self.isAutomatic = isAutomatic
        }
    }

    /// A message that a gateway hands in for somebody outside.
    package struct Inbound: Equatable, Sendable {
        /// An ``OutsideAddress``, or ``OutsideAddress/unknownSender``.
        package var from: String
        /// Names or ids of sessions.
        package var to: [String]
        package var message: Outgoing

        package init(from: String, to: [String], _ message: Outgoing) {
            self.from = from
            self.to = to
            self.message = message
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
