/// Where a ``SessionLink`` hands what comes for its peer: standard output, an inbox, a tool's answer.
package protocol MessageSink: Sendable {
    /// How many messages it takes at once, of those that wait. Nothing more is read than that.
    var mostAtOnce: Int { get }

    /// Hands mail to the receiver, in the order in which it was sent. Nothing else of the peer is handled meanwhile, and a
    /// sink that takes its time makes the bus wait with the rest.
    ///
    /// - Parameter mail: one message, or up to ``mostAtOnce``.
    /// - Returns: when the receiver has all of it.
    /// - Throws: what ends the connection. The mail is not acknowledged, so that it comes again.
    func take(_ mail: [IncomingMail]) async throws -> Handover
}

/// What has become of mail that a sink took.
package enum Handover: Sendable {
    /// The receiver has it, and the link acknowledges it.
    case received
    /// The sink says later what has become of it, by ``SessionLink/acknowledge(_:)``, and knows what comes again
    /// meanwhile.
    case pending
}

extension MessageSink {
    package var mostAtOnce: Int { 1 }
}

/// What a peer gets and acknowledges.
package enum IncomingMail: Equatable, Sendable {
    case message(ServerFrame.Message)
    /// Word of the bus itself, such as that a message was not delivered.
    case notice(ServerFrame.Notice)

    package var id: String {
        switch self {
        case .message(let message): message.id
        case .notice(let notice): notice.id
        }
    }
}
