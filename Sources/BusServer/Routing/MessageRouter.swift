import InterSessionCore

/// What happens for the frames that are messages: who gets one, and whether it may pass. Belongs to the event loop.
final class MessageRouter {
    private let registry: Registry
    private let acceptance: Acceptance
    private let delivery: Delivery
    private let clock: BusClock
    private var broadcasts = RateLimiter<SessionID>(
        most: WireLimits.broadcasts,
        window: WireLimits.broadcastWindow,
        of: "broadcasts"
    )

    init(registry: Registry, acceptance: Acceptance, delivery: Delivery, clock: BusClock) {
        self.clock = clock
        self.registry = registry
        self.acceptance = acceptance
        self.delivery = delivery
    }

    /// Accepts a direct message: to a session, or by way of a gateway to an agent elsewhere.
    func send(
        _ message: ClientFrame.Outgoing,
        to target: String,
        of sender: ConnectedPeer,
        ref: String?,
        _ connection: any PeerOutlet
    ) throws(WireError) {
        let message = understood(message, on: connection)
        try acceptance.check(message.text, limit: WireLimits.directText)
        let resolver = AddressResolver(
            registry: registry,
            sender: sender.known,
            mayHold: connection.features.contains(.hold)
        )
        let recipient: KnownPeer
        let address: String
        var agent: AgentName?
        do throws(WireError) {
            switch try resolver.resolve(target) {
            case .session(let session): (recipient, address) = (session, session.address)
            case .outside(let outside, let gateway):
                (recipient, address, agent) = (gateway, outside.description, outside.agent)
            }
        } catch {
            guard let key = key(of: message, from: sender) else { throw error }
            var frame = frame(acceptance.nextID(), message, from: sender)
            frame.to = target
            return refuse(frame, to: [], key, .init(error: error), ref: ref, connection)
        }
        let id = acceptance.nextID()
        var frame = frame(id, message, from: sender)
        frame.to = address
        frame.toSessionID = recipient.id.rawValue
        let depth: Int
        do throws(WireError) {
            depth = try acceptance.admit(message, from: sender.known, to: recipient, agent)
        } catch {
            let refusal = AcceptedMail.Refusal(error: error) { [acceptance] in
                acceptance.tellOfStop(sender.known, recipient, agent, error)
            }
            guard let key = key(of: message, from: sender) else {
                refusal.whenItIsNew()
                throw error
            }
            return refuse(frame, to: [recipient], key, refusal, ref: ref, connection)
        }
        if message.awaitsAnswer {
            delivery.awaitAnswer(
                to: id,
                .init(connection: connection, asker: sender.known, asked: recipient, agent: agent)
            )
        }
        var origin = AcceptedMail.Origin(connection: connection, ref: ref)
        origin.receiptWithin = message.receiptWithin.map { .milliseconds(min(max(0, $0), WireLimits.longestReceipt)) }
        acceptance.accept(
            AcceptedMail(
                id: id,
                content: .message(frame),
                depth: depth,
                recipients: [recipient],
                key: key(of: message, from: sender),
                origin: origin
            )
        )
    }

    /// Refuses a message, unless it was accepted under its key when nothing was against it: its sender may not have heard
    /// of that.
    private func refuse(
        _ frame: ServerFrame.Message,
        to recipients: [KnownPeer],
        _ key: MailKey,
        _ refusal: AcceptedMail.Refusal,
        ref: String?,
        _ connection: any PeerOutlet
    ) {
        guard let id = MessageID(frame.id) else { return }
        acceptance.accept(
            AcceptedMail(
                id: id,
                content: .message(frame),
                recipients: recipients,
                key: key,
                refusal: refusal,
                origin: .init(connection: connection, ref: ref)
            )
        )
    }

    private func key(of message: ClientFrame.Outgoing, from sender: ConnectedPeer) -> MailKey? {
        message.key.map { MailKey(mailbox: sender.known.mailbox, text: $0) }
    }

    /// Accepts a message to every other session that is here.
    func broadcast(
        _ message: ClientFrame.Outgoing,
        of sender: ConnectedPeer,
        ref: String?,
        _ connection: any PeerOutlet
    ) throws(WireError) {
        let message = understood(message, on: connection)
        try acceptance.check(message.text, limit: WireLimits.broadcastText)
        let id = acceptance.nextID()
        let frame = frame(id, message, from: sender)
        let recipients = registry.connectedSessions.filter { $0 !== sender }.map(\.known)
        let depth: Int
        do throws(WireError) {
            depth = try acceptance.depth(of: message)
            try broadcasts.admit(sender.id, at: clock.instant())
        } catch {
            guard let key = key(of: message, from: sender) else { throw error }
            return refuse(frame, to: recipients, key, .init(error: error), ref: ref, connection)
        }
        acceptance.accept(
            AcceptedMail(
                id: id,
                content: .message(frame),
                depth: depth,
                recipients: recipients,
                key: key(of: message, from: sender),
                origin: .init(connection: connection, ref: ref)
            )
        )
    }

    /// The message without what its sender has not said that it knows of.
    private func understood(_ message: ClientFrame.Outgoing, on connection: any PeerOutlet) -> ClientFrame.Outgoing {
        guard !connection.features.isSuperset(of: [.replies, .keys]) else { return message }
        var message = message
        if !connection.features.contains(.keys) { message.key = nil }
        guard !connection.features.contains(.replies) else { return message }
        message.inReplyTo = nil
        message.isAutomatic = false
        message.awaitsAnswer = false
        return message
    }

    private func frame(
        _ id: MessageID,
        _ outgoing: ClientFrame.Outgoing,
        from sender: ConnectedPeer
    ) -> ServerFrame.Message {
        var message = ServerFrame.Message(
            id: id.description,
            from: sender.id.rawValue,
            fromName: sender.name?.rawValue ?? "",
            fromLabel: sender.known.label.rawValue,
            text: outgoing.text,
            timestamp: id.time.iso8601
        )
        message.inReplyTo = outgoing.inReplyTo
        message.isAutomatic = outgoing.isAutomatic
        return message
    }
}
