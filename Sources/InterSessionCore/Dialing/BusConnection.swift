package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
package import Platform

/// A WebSocket to the server: frames out, frames in.
package enum BusConnection {
    package typealias Inbound = NIOAsyncChannelInboundStream<ServerFrame>
    package typealias Outbound = NIOAsyncChannelOutboundWriter<ClientRequest>
    private typealias FrameChannel = NIOAsyncChannel<ServerFrame, ClientRequest>

    /// Opens a WebSocket on the connected socket, hands it to `body`, and closes it when `body` is done.
    ///
    /// Reading throws ``BusError/closed(code:reason:)`` when the server says why it closes, and ends when it does not.
    package static func withConnection<Result: Sendable>(
        on socket: Descriptor,
        _ body: @Sendable (Inbound, Outbound) async throws -> Result
    ) async throws -> Result {
        let (raw, upgrade) = try await ClientBootstrap(group: ToolThread.eventLoop)
            .withConnectedSocket(try socket.duplicate()) { channel in
                channel.eventLoop.makeCompletedFuture { (channel, try configure(channel)) }
            }
        // A server that is stopped accepts connections and answers none: whoever waits must be able to give up.
        let channel = try await withTaskCancellationHandler {
            try await upgrade.get()
        } onCancel: {
            raw.close(promise: nil)
        }
        guard let channel else { throw BusError.unreadable("it refused the WebSocket upgrade") }
        return try await channel.executeThenClose(body)
    }

    private static func configure(_ channel: any Channel) throws -> EventLoopFuture<FrameChannel?> {
        let upgrader = NIOTypedWebSocketClientUpgrader<FrameChannel?>(
            maxFrameSize: WireLimits.serverFrame
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(ClientFrameCodec())
                return try FrameChannel(wrappingChannelSynchronously: channel)
            }
        }
        let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: ["Host": "localhost"])
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: .init(
                upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                    upgradeRequestHead: request,
                    upgraders: [upgrader]
                ) { channel in channel.eventLoop.makeSucceededFuture(nil) }
            )
        )
    }
}

/// WebSocket frames on one side, the bus's frames on the other (RFC 6455; a client masks what it sends, §5.3).
private final class ClientFrameCodec: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ServerFrame
    typealias OutboundIn = ClientRequest
    typealias OutboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            do {
                guard let decoded = try ServerFrame.decode(frame.data) else { return }
                context.fireChannelRead(wrapInboundOut(decoded))
            } catch {
                context.fireErrorCaught(BusError.unreadable("\(error)"))
                context.close(promise: nil)
            }
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.data)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            var reason = frame.data
            let code = reason.readInteger(as: UInt16.self)
            let echo = WebSocketFrame(
                fin: true,
                opcode: .connectionClose,
                maskKey: .random(),
                data: ByteBuffer(integer: code ?? CloseCode.normal.rawValue)
            )
            context.writeAndFlush(wrapOutboundOut(echo), promise: nil)
            context.fireErrorCaught(BusError.closed(code: code, reason: String(buffer: reason)))
            context.close(promise: nil)
        default:
            break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let text = unwrapOutboundIn(data).encode()
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: .random(), data: text)
        context.write(wrapOutboundOut(frame), promise: promise)
    }
}
