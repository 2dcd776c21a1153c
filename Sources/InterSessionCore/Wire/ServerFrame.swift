/// What the bus says to a peer (docs/PROTOCOL.md, "Operations").
package enum ServerFrame: Equatable, Sendable {
    case welcome(Welcome)
    case peerJoined(sessionID: String, name: String)
    case peerLeft(sessionID: String)
    case pong(ref: String?)
    case listing([SessionSummary], gateways: [GatewaySummary], ref: String?)
    /// `sessionID` is nil in the answer to the one who asked.
    case renamed(sessionID: String?, name: String, ref: String?)
    case message(Message)
    /// How many messages come next that the agent has not seen; said once, after the welcome.
    case waiting(count: Int)
    /// A message was accepted.
    case sent(Sent)
    case notice(Notice)
    /// `total` is how many there are where only the newest were asked for.
    case messages([ArchivedMessage], total: Int?, ref: String?)
    case disconnected(ref: String?)
    case error(Failure)

    package struct Welcome: Equatable, Sendable {
        package var sessionID: String
        package var assignedName: String
        package var forSession: String?
        package var features: [String] = []

        package init(sessionID: String, assignedName: String, forSession: String? = nil, features: [String] = []) {
            self.sessionID = sessionID
            self.assignedName = assignedName
            self.forSession = forSession
            self.features = features
        }
    }

    package struct SessionSummary: Equatable, Sendable {
        package var sessionID: String
        package var name: String
        package var label: String
        package var workingDirectory: String
        /// ISO 8601, UTC.
        package var since: String
        /// What only the feature `sessions` shows.
        package var details: Details?

        package struct Details: Equatable, Sendable {
            package var isOnline: Bool
            /// Messages that it has not seen.
            package var waiting: Int
            package var processID: Int?
            /// Seconds since it said something; nil for one that is offline.
            package var idleSeconds: Int?

            package init(isOnline: Bool, waiting: Int, processID: Int? = nil, idleSeconds: Int? = nil) {
                self.isOnline = isOnline
                self.waiting = waiting
                self.processID = processID
                self.idleSeconds = idleSeconds
            }
        }

        package init(sessionID: String, name: String, label: String, workingDirectory: String, since: String) {
            self.sessionID = sessionID
            self.name = name
            self.label = label
            self.workingDirectory = workingDirectory
            self.since = since
        }
    }

    /// A gateway, and who is known through it.
    package struct GatewaySummary: Equatable, Sendable {
        package var agent: String
        package var label: String
        /// Of a gateway that is here.
        package var policy: String?
        package var processID: Int?
        /// ISO 8601, UTC.
        package var since: String
        package var isOnline: Bool
        package var agents: [String]

        package init(
            agent: String,
            label: String,
            policy: String?,
            processID: Int?,
            since: String,
            isOnline: Bool,
            agents: [String]
        ) {
            self.agent = agent
            self.label = label
            self.policy = policy
            self.processID = processID
            self.since = since
            self.isOnline = isOnline
            self.agents = agents
        }
    }

    package struct Message: Equatable, Sendable {
        package var id: String
        package var from: String
        package var fromName: String
        package var fromLabel: String
        /// Both are nil on a broadcast.
        package var to: String?
        package var toSessionID: String?
        package var inReplyTo: String?
        package var isAutomatic = false
        package var text: String
        /// ISO 8601, UTC.
        package var timestamp: String

        package init(
            id: String,
            from: String,
            fromName: String,
            fromLabel: String = "",
            to: String? = nil,
            toSessionID: String? = nil,
            text: String,
            timestamp: String
        ) {
            self.id = id
            self.from = from
            self.fromName = fromName
            self.fromLabel = fromLabel
            self.to = to
            self.toSessionID = toSessionID
            self.text = text
            self.timestamp = timestamp
        }
    }

    package struct Sent: Equatable, Sendable {
        package var messageID: String
        /// The receiver's name, else its id; nil for a broadcast.
        package var to: String?
        package var state: DeliveryState
        package var recipients: Int
        /// Since when the receiver is not here, ISO 8601.
        package var offlineSince: String?
        package var ref: String?

        package init(
            messageID: String,
            to: String?,
            state: DeliveryState,
            recipients: Int,
            offlineSince: String? = nil,
            ref: String?
        ) {
            self.messageID = messageID
            self.to = to
            self.state = state
            self.recipients = recipients
            self.offlineSince = offlineSince
            self.ref = ref
        }
    }

    /// Word of the bus itself for an agent.
    package struct Notice: Equatable, Sendable {
        package var id: String
        /// ISO 8601, UTC.
        package var timestamp: String
        package var text: String

        package init(id: String, timestamp: String, text: String) {
            self.id = id
            self.timestamp = timestamp
            self.text = text
        }
    }

    /// A message of the past, and how far it got.
    package struct ArchivedMessage: Equatable, Sendable {
        package var message: Message
        /// Of the whole text, which may be cut here.
        package var bytes: Int
        package var deliveries: [Fate]
        /// The key that it was accepted with.
        package var key: String?

        package struct Fate: Equatable, Sendable {
            package var sessionID: String
            package var name: String
            package var state: DeliveryState

            package init(sessionID: String, name: String, state: DeliveryState) {
                self.sessionID = sessionID
                self.name = name
                self.state = state
            }
        }

        package init(message: Message, bytes: Int, deliveries: [Fate]) {
            self.message = message
            self.bytes = bytes
            self.deliveries = deliveries
        }
    }

    package struct Failure: Error, Equatable, Sendable {
        package var code: WireError.Code
        package var message: String
        package var ref: String?
        package var candidates: [String] = []
        package var matches: [String] = []
        package var nearest: [String] = []
        package var retryAfter: Int?
        package var limit: Int?

        package init(code: WireError.Code, message: String, ref: String? = nil) {
            self.code = code
            self.message = message
            self.ref = ref
        }
    }
}

/// How far a message has got on its way to one receiver (docs/PROTOCOL.md, "States").
package enum DeliveryState: String, Equatable, Sendable {
    /// Stored, for a receiver that is away or reads slowly.
    case queued
    /// Written to the receiver's socket.
    case delivered
    /// The receiver has printed it.
    case seen
    /// Waited for longer than mail is kept.
    case expired
    /// The gateway has handed it to what carries mail to the agent outside.
    case forwarded
    /// The gateway could not forward it, and its sender was told.
    case returned
}

extension ServerFrame.Failure: CustomStringConvertible {
    package var description: String {
        let choices = matches.isEmpty ? "" : " (matches: \(matches.joined(separator: ", ")))"
        return "\(code): \(message)\(choices)"
    }
}
