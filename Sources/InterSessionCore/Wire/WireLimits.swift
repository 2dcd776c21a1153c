/// The numbers of the wire protocol (docs/PROTOCOL.md, "Limits").
package enum WireLimits {
    /// Bytes of one WebSocket message, fragments added up.
    package static let frame = 16 * 1024 * 1024
    /// Bytes of a frame of the server's: it carries a text of a frame that it took, and a few fields more.
    package static let serverFrame = frame + 64 * 1024
    /// Bytes of UTF-8 in a direct message.
    package static let directText = 10 * 1024 * 1024
    /// Bytes of UTF-8 in a broadcast, which is written once for every agent on the bus.
    package static let broadcastText = 256 * 1024
    /// Broadcasts of one agent within ``broadcastWindow``.
    package static let broadcasts = 60
    package static let broadcastWindow: Duration = .seconds(60)
    /// Direct messages between two agents, both ways together, within ``pairWindow``: two programs that answer each
    /// other reach it, people do not.
    package static let directMessagesOfPair = 120
    package static let pairWindow: Duration = .seconds(60)
    /// How deep automatic messages may answer automatic messages.
    package static let automaticDepth = 4
    /// Messages that an agent may have on its connection without having acknowledged them; the rest waits.
    package static let unacknowledged = 8192
    /// Ids of messages that a client has shown and may name in its hello, enough for all that it had not acknowledged.
    package static let printed = 2 * unacknowledged
    /// Milliseconds that `sent` may wait for the receiver.
    package static let longestReceipt = 5000
    /// Messages in the answer to `log`, unless it asks for another number.
    package static let logEntries = 50
    package static let mostLogEntries = 1000
    /// Bytes of the words to search for.
    package static let searchWords = 1024
    /// Bytes of one text in the answer to `log`; `show` has it whole.
    package static let logText = 64 * 1024
    /// Characters of a `ref`, `nonce` or `cwd` that a peer may make us keep.
    package static let reference = 128
    package static let workingDirectory = 4096
    /// Bytes of a key: the name of an agent, and an id that it made.
    package static let key = 256
    /// Bytes of why a message could not be forwarded.
    package static let reason = 1024
    /// Agents that are known through one gateway.
    package static let agents = 1024
    /// Messages that a gateway has in hand, of any size.
    package static let gatewayUnacknowledged = 64
    /// Bytes of text that a gateway has in hand: each is in its memory until the transport has it. A larger message may
    /// be there alone.
    package static let gatewayUnacknowledgedBytes = 16 * 1024 * 1024
    /// How long a connection may stay without having said hello.
    package static let helloDeadline: Duration = .seconds(10)
    /// Bytes that a connection may send before its hello is accepted: the largest hello names all that was printed.
    package static let beforeHello = 512 * 1024
    /// Connections that have not said hello, over TCP. The own user's, through the Unix socket, are not among them.
    package static let unauthenticatedConnections = 128
    /// How long the answer to a wrong token takes: with ``unauthenticatedConnections`` it bounds how fast tokens can be
    /// guessed.
    package static let wrongTokenDelay: Duration = .milliseconds(500)
}

/// WebSocket close codes (RFC 6455 §7.4) and our own, from the range that is free for applications.
package enum CloseCode: UInt16, Sendable {
    case normal = 1000
    case goingAway = 1001
    case protocolError = 1002
    case unsupportedData = 1003
    case invalidText = 1007
    case policyViolation = 1008
    case messageTooBig = 1009
    /// The same session connected again; this connection is the old one.
    case replaced = 4000
    /// The agent was told to leave by its user, and must not come back by itself.
    case gone = 4001
    /// The peer does not read what is sent to it.
    case tooFarBehind = 4002
    /// Nothing was heard of the peer for too long, or its process is gone. Whoever reads this may connect again.
    case stale = 4003
}
