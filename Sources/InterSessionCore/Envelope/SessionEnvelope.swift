/// A message between agents, as it travels: schema `tinyplace.harness.session.v1`
/// (docs/session-envelope.schema.json).
///
/// What others wrote is kept as they wrote it, but for labels: those are safe, or absent.
package struct SessionEnvelope: Equatable, Sendable {
    package static let version = "tinyplace.harness.session.v1"

    package var bucket = Bucket()
    package var scope = Scope()
    package var harness = Harness()
    package var message = Message()
    package var source = Source()
    package var routing = Routing()

    package init() {}

    /// The span of time that the message is filed under.
    package struct Bucket: Equatable, Sendable {
        package var unit = "minute"
        package var start = ""
        package var end = ""

        package init() {}

        /// The minute, in UTC, in which the message was written.
        package init(of time: Timestamp) {
            let minute: UInt64 = 60_000_000
            let start = time.microseconds / minute * minute
            self.start = Timestamp(microseconds: start).iso8601
            end = Timestamp(microseconds: start + minute).iso8601
        }
    }

    /// The session that it comes from.
    package struct Scope: Equatable, Sendable {
        package var kind = "session"
        /// `<agent>:<label>`.
        package var key = ""
        package var workingDirectory = ""
        /// Unique to the session, and not what it is addressed by.
        package var wrapperSessionID = ""
        package var harnessSessionID = ""

        /// Nil where the key does not begin with the name of an agent.
        package var agent: AgentName? {
            key.firstIndex(of: ":").flatMap { AgentName(rawValue: String(key[..<$0])) }
        }
    }

    /// The program that the session runs in.
    package struct Harness: Equatable, Sendable {
        package var provider = "claude"
        package var command = "claude"
        package var arguments: [String] = []
    }

    package enum Role: String, Equatable, Sendable {
        case user, agent
    }

    package struct Message: Equatable, Sendable {
        /// What a reply names. Nil where there is none that could be named.
        package var id: String?
        package var line = 0
        package var role = Role.agent
        package var text = ""
        /// ISO 8601, UTC.
        package var timestamp = ""
        package var phase: String?
    }

    /// The record that the message was taken from.
    package struct Source: Equatable, Sendable {
        package var path = "inter-session"
        package var recordType = "message"
        package var role: String?
    }

    /// The field `tp`.
    package struct Routing: Equatable, Sendable {
        package var fromSession: RoutingLabel?
        package var toSession: RoutingLabel?
        package var inReplyTo: String?
        package var isAutomatic = false
    }
}
