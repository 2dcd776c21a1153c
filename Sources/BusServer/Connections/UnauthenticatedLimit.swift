import InterSessionCore
import NIOCore

/// How many connections there are that have not said a hello which was accepted. Belongs to the event loop.
///
/// Anybody on this machine can open TCP connections. Those of the own user's tools come through the Unix socket, are not
/// counted, and always find a place.
final class UnauthenticatedLimit {
    private var count = 0

    /// - Returns: whether there was a place.
    func enter() -> Bool {
        guard count < WireLimits.unauthenticatedConnections else { return false }
        count += 1
        return true
    }

    func leave() {
        count -= 1
    }
}

/// Ends a connection that sends more than a hello needs before its hello is accepted.
///
/// It stands before everything that keeps bytes: the HTTP head, and frames that are not complete.
final class HelloBound: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: Connection
    private var bytes = 0

    init(_ connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
        guard case .awaitingHello = connection.peer else {
            return context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        guard bytes > WireLimits.beforeHello else { return }
        // Before the upgrade there is nothing that could say goodbye.
        if connection.close(.messageTooBig, reason: "too much before hello") == nil { context.close(promise: nil) }
    }
}
