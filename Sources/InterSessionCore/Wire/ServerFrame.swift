/// What the bus says to a peer (docs/PROTOCOL.md, "Operations").
package enum ServerFrame: Equatable, Sendable {
    case welcome(Welcome)
    case peerJoined(sessionID: String, name: String)
    case peerLeft(sessionID: String)
    case pong(ref: String?)
    case listing([SessionSummary], ref: String?)
    /// `sessionID` is nil in the answer to the one who asked.
    case renamed(sessionID: String?, name: String, ref: String?)
    case message(Message)
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

        package init(sessionID: String, name: String, label: String, workingDirectory: String, since: String) {
            self.sessionID = sessionID
            self.name = name
            self.label = label
            self.workingDirectory = workingDirectory
            self.since = since
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

    package struct Failure: Error, Equatable, Sendable {
        package var code: String
        package var message: String
        package var ref: String?
        package var candidates: [String] = []
        package var matches: [String] = []
        package var retryAfter: Int?
        package var limit: Int?

        package init(code: String, message: String, ref: String? = nil) {
            self.code = code
            self.message = message
            self.ref = ref
        }
    }
}

extension ServerFrame.Failure: CustomStringConvertible {
    package var description: String {
        let choices = matches.isEmpty ? "" : " (matches: \(matches.joined(separator: ", ")))"
        return "\(code): \(message)\(choices)"
    }
}
