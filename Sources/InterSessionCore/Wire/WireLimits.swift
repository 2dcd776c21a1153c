/// The numbers of the wire protocol (docs/PROTOCOL.md, "Limits").
package enum WireLimits {
    /// Bytes of one WebSocket message, fragments added up.
    package static let frame = 16 * 1024 * 1024
    /// Bytes of UTF-8 in a direct message.
    package static let directText = 10 * 1024 * 1024
    /// Bytes of UTF-8 in a broadcast, which is written once for every agent on the bus.
    package static let broadcastText = 256 * 1024
    /// Broadcasts of one agent within ``broadcastWindow``.
    package static let broadcasts = 60
    package static let broadcastWindow: Duration = .seconds(60)
    /// Characters of a `ref`, `nonce` or `cwd` that a peer may make us keep.
    package static let reference = 128
    package static let workingDirectory = 4096
    /// How long a connection may stay without having said hello.
    package static let helloDeadline: Duration = .seconds(10)
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
    /// The agent was told to leave: it is gone, or was disconnected by its user.
    case gone = 4001
    /// The peer does not read what is sent to it.
    case tooFarBehind = 4002
}
