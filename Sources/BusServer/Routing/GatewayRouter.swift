import InterSessionCore
import Logging

/// What happens for the frames that only a gateway sends (docs/PROTOCOL.md, "Gateways"). Belongs to the event loop.
final class GatewayRouter {
    private let registry: Registry
    private let acceptance: Acceptance
    private let delivery: Delivery
    private let journal: Journal
    private let storage: Storage
    private let logger: Logger

    init(
        registry: Registry,
        acceptance: Acceptance,
        delivery: Delivery,
        journal: Journal,
        storage: Storage,
        logger: Logger
    ) {
        self.registry = registry
        self.acceptance = acceptance
        self.delivery = delivery
        self.journal = journal
        self.storage = storage
        self.logger = logger
    }

    /// Accepts a message from outside for the sessions that the gateway has chosen.
    func deliver(
        _ mail: ClientFrame.Inbound,
        by gateway: ConnectedPeer,
        ref: String?,
        _ connection: any PeerOutlet
    ) throws(WireError) {
        let address = OutsideAddress(mail.from)
        guard address != nil || mail.from == OutsideAddress.unknownSender else {
            throw .invalidPayload("the field 'from' must be label@agent, @agent, or \(OutsideAddress.unknownSender)")
        }
        guard let key = mail.message.key else {
            throw .invalidPayload("the field 'key' is missing: what is delivered twice must be known by it")
        }
        try acceptance.check(mail.message.text, limit: WireLimits.directText)
        var recipients: [KnownPeer] = []
        var known: Set<ObjectIdentifier> = []
        for target in mail.to {
            // By its name and by its id it is one session, and gets the message once.
            let session = try recipient(target)
            if known.insert(ObjectIdentifier(session)).inserted { recipients.append(session) }
        }
        guard !recipients.isEmpty else { throw .invalidPayload("the field 'to' names no session") }
        var depth = 0
        var refusal: AcceptedMail.Refusal?
        for recipient in recipients where refusal == nil {
            do throws(WireError) {
                depth = try acceptance.admit(mail.message, from: gateway.known, to: recipient, address?.agent)
            } catch {
                // It may have been accepted before under its key.
                refusal = .init(error: error) { [acceptance] in
                    acceptance.tellOfStop(gateway.known, recipient, address?.agent, error)
                }
            }
        }
        let id = acceptance.nextID()
        var message = ServerFrame.Message(
            id: id.description,
            from: gateway.id.rawValue,
            fromName: mail.from,
            text: mail.message.text,
            timestamp: id.time.iso8601
        )
        if recipients.count == 1 {
            message.to = recipients[0].address
            message.toSessionID = recipients[0].id.rawValue
        }
        // A reply names a message of this bus, or nothing that anybody here could know.
        message.inReplyTo = mail.message.inReplyTo.flatMap { MessageID($0) }?.description
        message.isAutomatic = mail.message.isAutomatic
        acceptance.accept(
            AcceptedMail(
                id: id,
                content: .message(message),
                depth: depth,
                recipients: recipients,
                key: MailKey(mailbox: gateway.known.mailbox, text: key),
                refusal: refusal,
                origin: .init(connection: connection, ref: ref)
            )
        )
    }

    /// A session that the gateway saw: it may have left since, and has its mail waiting then.
    private func recipient(_ target: String) throws(WireError) -> KnownPeer {
        guard let session = registry.session(called: target) else {
            throw .unknownPeer("there is no session '\(target.prefix(64))'")
        }
        return session
    }

    func setAgents(_ names: [String], of gateway: ConnectedPeer) throws(WireError) {
        guard names.count <= WireLimits.agents else {
            throw .invalidPayload("the field 'names' names more than \(WireLimits.agents) agents")
        }
        var agents: Set<AgentName> = []
        for name in names { agents.insert(try AgentName(validating: name)) }
        if let own = gateway.known.owner.gatewayAgent { agents.remove(own) }
        registry.setAgents(agents.sorted(), of: gateway.known)
    }

    /// Who has the mailbox of the sender now: itself, the heir of its name or, where another server knew that, who has the
    /// name that it had.
    private func sender(of message: ServerFrame.Message) -> KnownPeer? {
        SessionID(rawValue: message.from).flatMap { registry[$0] ?? registry.heir(of: $0) }
            ?? registry.session(called: message.fromName)
    }

    /// Tells the sender of a message that it could not be forwarded.
    func giveBack(_ text: String, because reason: String, by gateway: ConnectedPeer) throws(WireError) {
        guard let id = MessageID(text) else { throw .unknownMessage(text) }
        // It may be told twice, before and after a connection broke.
        guard delivery.takeBack(id, from: gateway) else { return }
        storage.perform { store in
            try store.message(id)
        } then: { [self] outcome in
            switch outcome {
            case .success(let mail):
                // Both or neither: they are written in one batch.
                journal.settle(id, in: gateway.known, as: .returned)
                guard let mail, let sender = sender(of: mail.message) else { return }
                acceptance.notify(
                    [sender],
                    "message \(id) to \(mail.message.to ?? "") was not delivered and is given up: \(reason)"
                )
            case .failure(let error):
                logger.error("a message that could not be forwarded could not be read: \(error)")
            }
        }
    }
}
