import InterSessionCore
import NIOCore

/// A peer's connection, as the parts see it that write to it: they need no socket.
///
/// It belongs to the event loop, as do all who use it.
protocol PeerOutlet: AnyObject {
    /// Who is at the other end.
    var peer: Peer { get set }
    /// What the peer and the server both know beyond the base protocol.
    var features: Features { get set }
    /// Answers that were given to this connection instead of its session's, and are not acknowledged.
    var withheld: Set<MessageID> { get set }
    /// The kernel vouches for the peer being our own user: it came through the Unix socket.
    var isLocalUser: Bool { get }
    /// Whether the socket takes more now.
    var isWritable: Bool { get }
    /// Whether the peer was heard of since it was last pinged.
    var answersPings: Bool { get }

    /// The process that must live for as long as the peer is here; nil is not watched.
    ///
    /// - Parameter claimed: what the peer says its process is.
    func watchedProcess(claimed: Int?) -> Int?

    func write(_ frame: ServerFrame)

    /// Writes a frame that several peers share.
    ///
    /// - Parameter written: called when the socket has taken it; never called when the connection ends before.
    func write(encoded text: ByteBuffer, written: (() -> Void)?)

    /// Asks the peer for a sign of life.
    func ping()

    /// Says goodbye and closes.
    ///
    /// - Returns: when the socket is closed; nil when it was closing already.
    @discardableResult
    func close(_ code: CloseCode, reason: String) -> EventLoopFuture<Void>?

    /// A message of this peer is on its way to the journal.
    func hold(bytes: Int)

    /// The next message of this peer is stored, or its sender knows that it is not.
    func settle(bytes: Int)

    /// Calls `action` when all that the peer sent before is settled, so that an answer proves it.
    func whenSettled(_ action: @escaping (any PeerOutlet) -> Void)
}

extension PeerOutlet {
    func write(encoded text: ByteBuffer) {
        write(encoded: text, written: nil)
    }

    @discardableResult
    func close(_ code: CloseCode) -> EventLoopFuture<Void>? {
        close(code, reason: "")
    }
}
