import InterSessionCore

/// Mail that passed every rule, on its way through the journal to its recipients.
struct AcceptedMail {
    let id: MessageID
    let content: MailContent
    /// Of a chain of automatic messages; 0 for one that is not automatic.
    var depth = 0
    let recipients: [KnownPeer]
    var key: MailKey?
    /// Nil for what is accepted.
    var refusal: Refusal?
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

    /// Why mail is refused, unless its sender says it again under its key: then it is answered as it was the first time.
    struct Refusal {
        let error: WireError
        /// Done when it was not said before.
        var whenItIsNew: () -> Void = {}
    }

    /// Whose frame it was, and what is to be answered.
    struct Origin {
        let connection: any PeerOutlet
        let ref: String?
        /// How long the answer may wait for the receiver to see it.
        var receiptWithin: Duration?
    }
}
