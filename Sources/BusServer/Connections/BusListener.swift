import InterSessionCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Platform

/// Accepts connections on the Unix socket and on TCP, and builds the pipeline of each.
struct BusListener: Sendable {
    let eventLoop: any EventLoop
    /// The one event loop's router. All connections are on that loop, because there is no other.
    let router: NIOLoopBound<Router>
    let unauthenticated: NIOLoopBound<UnauthenticatedLimit>
    let logger: Logger

    enum Way: Sendable {
        case unixSocket(path: String)
        case tcp(host: String, port: Int)
    }

    func listen(on way: Way) -> EventLoopFuture<any Channel> {
        let bootstrap = ServerBootstrap(group: eventLoop)
            // The system's own bound is lower on most machines; a crowd of clients starts at once.
            .serverChannelOption(.backlog, value: 4096)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 1024 * 1024, high: 4 * 1024 * 1024))
            .childChannelInitializer { channel in accept(channel, way) }
        switch way {
        case .unixSocket(let path):
            return bootstrap.bind(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            return
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port)
        }
    }

    private func accept(_ channel: any Channel, _ way: Way) -> EventLoopFuture<Void> {
        guard case .unixSocket = way else {
            return channel.eventLoop.makeCompletedFuture {
                guard unauthenticated.value.enter() else { throw ChannelError.alreadyClosed }
                try open(channel, isLocalUser: false) { unauthenticated.value.leave() }
            }
        }
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return PeerCredentials.of(socket).flatMapThrowing { peer in
            guard peer.isThisUser else {
                logger.warning("refused another user on the Unix socket")
                throw ChannelError.alreadyClosed
            }
            try open(channel, isLocalUser: true, process: peer.process) {}
        }
    }

    /// - Parameter onKnown: called when the peer's hello was accepted, or the connection is gone.
    private func open(
        _ channel: any Channel,
        isLocalUser: Bool,
        process: Int32? = nil,
        onKnown: @escaping () -> Void
    ) throws {
        let connection = Connection(
            router: router.value,
            isLocalUser: isLocalUser,
            process: process,
            logger: logger,
            onKnown: onKnown
        )
        try Self.configure(channel, connection)
        connection.startHelloDeadline(on: channel)
    }

    /// HTTP with the gate until the upgrade, WebSocket and the connection after it.
    static func configure(_ channel: any Channel, _ connection: Connection) throws {
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: WireLimits.frame,
            // The connection closes with the codes of our own protocol.
            automaticErrorHandling: false,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(frameHandlers(bound.value))
                }
            }
        )
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
        let gate = UpgradeGate()
        let errors = HTTPServerProtocolErrorHandler()
        let upgrade = HTTPServerUpgradeHandler(
            upgraders: [upgrader],
            httpEncoder: encoder,
            extraHTTPHandlers: [decoder, errors, gate],
            upgradeCompletionHandler: { _ in }
        )
        try channel.pipeline.syncOperations.addHandlers(
            [HelloBound(connection), encoder, decoder, errors, gate, upgrade] as [any ChannelHandler]
        )
    }

    /// What stands behind the frame decoder.
    static func frameHandlers(_ connection: Connection) -> [any ChannelHandler] {
        [
            FrameUnmasking(),
            NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0,
                // 16 MiB in fragments of 1 KiB; smaller ones are somebody wasting our time.
                maxAccumulatedFrameCount: 16 * 1024,
                maxAccumulatedFrameSize: WireLimits.frame
            ),
            connection,
        ]
    }
}
