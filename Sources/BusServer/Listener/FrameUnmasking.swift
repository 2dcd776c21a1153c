import NIOCore
import NIOWebSocket

/// Takes the mask off each frame of a client, before fragments are put together.
final class FrameUnmasking: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    /// A client that does not mask must be cut off (RFC 6455 §5.1), and so must one that uses reserved bits for
    /// which no extension was agreed on (§5.2).
    enum Violation: Error {
        case unmasked, reservedBits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var frame = unwrapInboundIn(data)
        guard let key = frame.maskKey else {
            context.fireErrorCaught(Violation.unmasked)
            return
        }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            context.fireErrorCaught(Violation.reservedBits)
            return
        }
        frame.maskKey = nil
        frame.data.webSocketUnmask(key)
        context.fireChannelRead(wrapInboundOut(frame))
    }
}
