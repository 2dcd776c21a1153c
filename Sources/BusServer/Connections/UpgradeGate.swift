import InterSessionCore
import NIOCore
import NIOHTTP1

/// Lets WebSocket upgrades through, and answers everything else with a refusal before a byte of it is taken for a frame.
///
/// A page in a browser can open connections to this machine. It cannot hide its `Origin`, and a name that was made to
/// point here (DNS rebinding) shows in `Host`.
final class UpgradeGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    struct Refusal: Equatable {
        let status: HTTPResponseStatus
        let reason: String
    }

    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .head(let request) = unwrapInboundIn(data), let refusal = Self.refusal(of: request) {
            isRefused = true
            answer(refusal, context)
        } else {
            context.fireChannelRead(data)
        }
    }

    /// Why the request is refused; nil for an upgrade to the bus.
    static func refusal(of request: HTTPRequestHead) -> Refusal? {
        let headers = request.headers
        if headers.contains(name: "Origin") {
            return Refusal(status: .forbidden, reason: "Requests from web pages are refused.")
        }
        let hosts = headers["Host"]
        guard hosts.count == 1, LoopbackHost.isLoopbackHeader(hosts[0]) else {
            return Refusal(status: .forbidden, reason: "The Host header must name a loopback address.")
        }
        guard request.uri == "/" else {
            return Refusal(status: .notFound, reason: "The bus is at the path / alone.")
        }
        let asksForWebSocket =
            request.method == .GET
            && headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
            && headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
        guard asksForWebSocket else {
            return Refusal(status: .upgradeRequired, reason: "This is a WebSocket (RFC 6455), see docs/PROTOCOL.md.")
        }
        guard headers["Sec-WebSocket-Key"].count == 1, headers["Sec-WebSocket-Version"] == ["13"] else {
            return Refusal(status: .badRequest, reason: "The WebSocket headers are not those of version 13.")
        }
        return nil
    }

    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        let body = ByteBuffer(string: refusal.reason + "\n")
        let head = HTTPResponseHead(
            version: .http1_1,
            status: refusal.status,
            headers: [
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": "\(body.readableBytes)",
                "Connection": "close",
                "Upgrade": "websocket",
            ]
        )
        let channel = context.channel
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        // A body that is still being sent must not reset the answer away; the hello deadline ends what lingers.
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
    }
}
