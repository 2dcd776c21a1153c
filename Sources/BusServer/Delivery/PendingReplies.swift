import InterSessionCore

/// Who waits for word on a message: for its receipt, or for the answer to it.
struct Correspondence {
    struct Question {
        let connection: Connection
        let asker: KnownSession
        /// A session, or the gateway to the agent.
        let asked: KnownSession
        let agent: AgentName?
    }

    private var receipts: [MessageID: (sent: ServerFrame.Sent, connection: Connection)] = [:]
    private var questions: [MessageID: Question] = [:]
    /// What to forget with a connection.
    private var interests: [ObjectIdentifier: Set<MessageID>] = [:]

    /// The sender hears that its message was accepted when it is known whether it was seen.
    mutating func awaitReceipt(of id: MessageID, _ sent: ServerFrame.Sent, on connection: Connection) {
        receipts[id] = (sent, connection)
        interests[ObjectIdentifier(connection), default: []].insert(id)
    }

    mutating func awaitAnswer(to id: MessageID, _ question: Question) {
        questions[id] = question
        interests[ObjectIdentifier(question.connection), default: []].insert(id)
    }

    /// The answer that waits for the receipt, and where it goes.
    mutating func takeReceipt(of id: MessageID) -> (sent: ServerFrame.Sent, connection: Connection)? {
        guard !receipts.isEmpty, let receipt = receipts.removeValue(forKey: id) else { return nil }
        if questions[id] == nil { interests[ObjectIdentifier(receipt.connection)]?.remove(id) }
        return receipt
    }

    /// The question that this message of `sender` to `recipient` answers, which is answered with it.
    mutating func question(
        answeredBy message: ServerFrame.Message,
        from sender: SessionID,
        to recipient: KnownSession
    ) -> Question? {
        guard !questions.isEmpty, let id = message.inReplyTo.flatMap({ MessageID($0) }), let question = questions[id],
            question.asked.id == sender, question.asker === recipient,
            // Many speak through one gateway.
            question.agent == nil || question.agent == OutsideAddress(message.fromName)?.agent
        else { return nil }
        questions[id] = nil
        return question
    }

    mutating func forget(_ connection: Connection) {
        for id in interests.removeValue(forKey: ObjectIdentifier(connection)) ?? [] {
            receipts[id] = nil
            questions[id] = nil
        }
    }
}
