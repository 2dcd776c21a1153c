import NIOCore
import NIOWebSocket

/// Takes the mask off each frame of a client, before fragments are put together.
final class FrameUnmasking: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    /// A client that does not mask must be cut off (RFC 6455 §5.1).
    struct UnmaskedFrame: Error {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var frame = unwrapInboundIn(data)
        guard let key = frame.maskKey else {
            context.fireErrorCaught(UnmaskedFrame())
            return
        }
        frame.maskKey = nil
        frame.data.webSocketUnmask(key)
        context.fireChannelRead(wrapInboundOut(frame))
    }
}
