package import NIOCore

/// What a body from outside says, whatever form it has.
package struct OutsideMessage: Equatable, Sendable {
    /// Its own id, which a reply names; nil in a form that has none.
    package var id: String?
    /// Who says to have sent it.
    package var agent: AgentName?
    package var fromSession: RoutingLabel?
    package var toSession: RoutingLabel?
    package var role = SessionEnvelope.Role.agent
    package var inReplyTo: String?
    /// A program wrote it.
    package var isAutomatic = false
    package var text: String

    /// Takes the body for an envelope, else for text with the header of before there were envelopes, else for text.
    package init(decoding body: ByteBuffer) {
        if let envelope = SessionEnvelope(decoding: body) {
            id = envelope.message.id
            agent = envelope.scope.agent
            fromSession = envelope.routing.fromSession
            toSession = envelope.routing.toSession
            role = envelope.message.role
            inReplyTo = envelope.routing.inReplyTo
            isAutomatic = envelope.routing.isAutomatic
            text = envelope.message.text
            return
        }
        var rest = body.readableBytesView
        isAutomatic = Self.takeHeader(&rest) { $0.elementsEqual("tp-auto".utf8) } != nil
        if isAutomatic, let reply = Self.takeHeader(&rest, if: { $0.starts(with: "re:".utf8) }) {
            inReplyTo = SessionEnvelope.usableID(String(decoding: reply.dropFirst(3), as: UTF8.self))
        }
        text = String(decoding: rest, as: UTF8.self)
    }

    /// Takes what stands between two SOH (U+0001) at the beginning, if it is what is looked for.
    private static func takeHeader(
        _ bytes: inout ByteBufferView,
        if isWanted: (ByteBufferView) -> Bool
    ) -> ByteBufferView? {
        let separator: UInt8 = 0x01
        guard bytes.first == separator, let end = bytes.dropFirst().firstIndex(of: separator) else { return nil }
        let header = bytes[bytes.index(after: bytes.startIndex)..<end]
        guard isWanted(header) else { return nil }
        bytes = bytes[bytes.index(after: end)...]
        return header
    }
}
