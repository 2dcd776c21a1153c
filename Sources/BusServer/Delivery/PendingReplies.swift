import InterSessionCore

/// Who waits for word on a message: for its receipt, or for the answer to it.
struct PendingReplies {
    struct Question {
        let connection: any PeerOutlet
        let asker: KnownPeer
        /// A session, or the gateway to the agent.
        let asked: KnownPeer
        let agent: AgentName?
    }

    private var receipts: [MessageID: (sent: ServerFrame.Sent, connection: any PeerOutlet)] = [:]
    private var questions: [MessageID: Question] = [:]
    /// What each connection waits for, and is forgotten with it.
    private var byConnection: [ObjectIdentifier: Set<MessageID>] = [:]

    /// The sender hears that its message was accepted when it is known whether it was seen.
    mutating func awaitReceipt(of id: MessageID, _ sent: ServerFrame.Sent, on connection: any PeerOutlet) {
        receipts[id] = (sent, connection)
        byConnection[ObjectIdentifier(connection), default: []].insert(id)
    }

    mutating func awaitAnswer(to id: MessageID, _ question: Question) {
        questions[id] = question
        byConnection[ObjectIdentifier(question.connection), default: []].insert(id)
    }

    /// The answer that waits for the receipt, and where it goes.
    mutating func takeReceipt(of id: MessageID) -> (sent: ServerFrame.Sent, connection: any PeerOutlet)? {
        guard !receipts.isEmpty, let receipt = receipts.removeValue(forKey: id) else { return nil }
        if questions[id] == nil { byConnection[ObjectIdentifier(receipt.connection)]?.remove(id) }
        return receipt
    }

    /// The question that this message of `sender` to `recipient` answers, which is answered with it.
    mutating func takeQuestion(
        answeredBy message: ServerFrame.Message,
        from sender: SessionID,
        to recipient: KnownPeer
    ) -> Question? {
        guard !questions.isEmpty, let id = message.inReplyTo.flatMap({ MessageID($0) }), let question = questions[id],
            question.asked.id == sender, question.asker === recipient,
            // Many speak through one gateway.
            question.agent == nil || question.agent == OutsideAddress(message.fromName)?.agent
        else { return nil }
        questions[id] = nil
        return question
    }

    mutating func forget(_ connection: any PeerOutlet) {
        for id in byConnection.removeValue(forKey: ObjectIdentifier(connection)) ?? [] {
            receipts[id] = nil
            questions[id] = nil
        }
    }
}
