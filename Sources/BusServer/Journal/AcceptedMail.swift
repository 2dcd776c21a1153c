import InterSessionCore

/// Mail that passed every rule, on its way through the journal to its recipients.
struct AcceptedMail {
    let id: MessageID
    let content: MailContent
    /// Of a chain of automatic messages; 0 for one that is not automatic.
    var depth = 0
    let recipients: [KnownPeer]
    var key: MailKey?
    /// Why it is refused, unless its sender says it again: then it is answered as it was the first time.
    var refusal: WireError?
    /// Nil for the bus itself.
    var origin: Origin?

    /// The recipients of now: who has taken the name of one since the mail was accepted gets its mail, too.
    var currentRecipients: [KnownPeer] {
        var recipients: [KnownPeer] = []
        for recipient in self.recipients {
            let owner = recipient.currentOwner
            if !recipients.contains(where: { $0 === owner }) { recipients.append(owner) }
        }
        return recipients
    }

    /// Whose frame it was, and what is to be answered.
    struct Origin {
        let connection: any PeerOutlet
        let ref: String?
        /// How long the answer may wait for the receiver to see it.
        var receiptWithin: Duration?
    }
}
