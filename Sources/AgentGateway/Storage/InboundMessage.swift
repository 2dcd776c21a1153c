import InterSessionCore
import NIOCore

/// A message from outside, decoded: what the gateway keeps while it cannot hand it in, and what a command that answers
/// gets to read.
struct InboundMessage: Equatable, Sendable {
    /// The message's own id, which a reply names.
    let id: String?
    /// What tells a repetition.
    let key: String
    let agent: AgentName?
    let fromSession: RoutingLabel?
    let toSession: RoutingLabel?
    let inReplyTo: String?
    let isAutomatic: Bool
    let text: String

    init(_ arrival: Arrival) {
        let message = OutsideMessage(decoding: arrival.body)
        id = message.id
        // A transport that can tell knows better than the sender says.
        agent = arrival.sender ?? message.agent
        key = InboundMessageKey.key(of: message.id, from: agent, arrival: arrival.id)
        fromSession = message.fromSession
        toSession = message.toSession
        inReplyTo = message.inReplyTo
        isAutomatic = message.isAutomatic
        text = message.text
    }

    /// Who is to be answered; ``OutsideAddress/unknownSender`` where nobody can be.
    var sender: String {
        agent.map { OutsideAddress(label: fromSession, agent: $0).description } ?? OutsideAddress.unknownSender
    }

    init(_ text: ByteBuffer) throws {
        let object = try JSONObject(text)
        id = try object.string("id")
        key = try object.requiredString("key")
        agent = try object.string("from_agent").flatMap { AgentName(rawValue: $0) }
        fromSession = try object.string("from_session").flatMap { RoutingLabel(rawValue: $0) }
        toSession = try object.string("to_session").flatMap { RoutingLabel(rawValue: $0) }
        inReplyTo = try object.string("in_reply_to")
        isAutomatic = try object.boolean("auto") ?? false
        self.text = try object.requiredString("text")
    }

    func encode() -> ByteBuffer {
        JSONWriter.object(capacity: text.utf8.count + 512) { json in
            json.field("id", ifPresent: id)
            json.field("key", key)
            json.field("from", sender)
            json.field("from_agent", ifPresent: agent?.rawValue)
            json.field("from_session", ifPresent: fromSession?.rawValue)
            json.field("to_session", ifPresent: toSession?.rawValue)
            json.field("in_reply_to", ifPresent: inReplyTo)
            json.field("auto", ifTrue: isAutomatic)
            json.field("text", text)
        }
    }
}

/// The key of a message from outside: its sender and the sender's id for it.
///
/// The bus keeps it with the message, so that a reply can name the message as its sender does.
enum InboundMessageKey {
    static func key(of id: String?, from agent: AgentName?, arrival: String) -> String {
        // A message without an id is known by its arrival, which nobody can name.
        "\(agent?.rawValue ?? "?")\(id.map { "/\($0)" } ?? "#\(arrival)")"
    }

    /// What the agent calls the message with this key; nil when it is not that agent's, or has no name.
    static func id(in key: String, of agent: AgentName) -> String? {
        let prefix = "\(agent)/"
        return key.hasPrefix(prefix) ? String(key.dropFirst(prefix.utf8.count)) : nil
    }
}
