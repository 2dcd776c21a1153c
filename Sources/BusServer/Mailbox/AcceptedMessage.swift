import InterSessionCore

/// A message that passed every rule, on its way through the journal to its recipients.
struct AcceptedMessage {
    let message: ServerFrame.Message
    let recipients: [SessionID]
    /// Whose frame it was, and the reference for an answer.
    let sender: Connection
    let ref: String?
}
