import InterSessionCore
import Logging
import NIOCore
import Platform

/// The two places where the server accepts connections, which are looked after for as long as it lives. Belongs to the
/// event loop.
///
/// Our own tools need the Unix socket: without it there is no server. TCP is for clients in other languages; where
/// another program has the port the server does without, says so, and takes the port as soon as it is free.
final class Listeners {
    private let listener: BusListener
    private let endpoint: BusEndpoint
    private let publish: (_ servesTCP: Bool) -> Void
    private let logger: Logger
    private var unix: (channel: any Channel, file: FileIdentity?)?
    private var tcp: (any Channel)?
    private var isOpening = false
    private var isClosed = false
    private var hasComplained = false

    /// - Parameter publish: tells others whether TCP is served, when that has changed.
    init(
        _ listener: BusListener,
        _ endpoint: BusEndpoint,
        publish: @escaping (_ servesTCP: Bool) -> Void,
        _ logger: Logger
    ) {
        self.listener = listener
        self.endpoint = endpoint
        self.publish = publish
        self.logger = logger
    }

    private var path: String { endpoint.directory.socket(port: endpoint.settings.port) }
    private var eventLoop: any EventLoop { listener.eventLoop }

    /// Begins to accept connections. It fails when the Unix socket cannot be had.
    func open() -> EventLoopFuture<Void> {
        openUnixSocket().assumeIsolated().flatMap { [self] in openTCP() }.nonisolated()
    }

    /// Opens again what was closed or could not be opened. Must be called now and then.
    func check() {
        guard !isOpening, !isClosed else { return }
        isOpening = true
        checkUnixSocket().assumeIsolated().flatMap { [self] in openTCP() }.whenComplete { [self] outcome in
            isOpening = false
            if case .failure(let error) = outcome {
                logger.error("the socket '\(path)' could not be made again: \(error)")
            }
        }
    }

    /// Accepts no further connection; those that are open stay.
    func close() -> EventLoopFuture<Void> {
        isClosed = true
        // While the socket's file is ours: the lock is, too.
        if let file = unix?.file, FileIdentity(of: path) == file { File.remove(path) }
        let channels = [unix?.channel, tcp].compactMap { $0 }
        return .andAllComplete(channels.map { $0.close() }, on: eventLoop)
    }

    // MARK: The Unix socket

    private func openUnixSocket() -> EventLoopFuture<Void> {
        do {
            try endpoint.directory.prepareSocketDirectory(port: endpoint.settings.port)
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        // What a killed server left: nobody listens on it, since we hold the lock.
        File.remove(path)
        return listener.listen(on: .unixSocket(path: path)).assumeIsolated().flatMapThrowing { [self] channel in
            try File.makePrivate(path)
            unix = (channel, FileIdentity(of: path))
        }.nonisolated()
    }

    /// Whoever removes the socket's file leaves a server that nobody finds, and whose lock keeps others from starting.
    private func checkUnixSocket() -> EventLoopFuture<Void> {
        guard let old = unix, FileIdentity(of: path) != old.file else { return eventLoop.makeSucceededVoidFuture() }
        logger.warning("the socket '\(path)' was removed, and is made again")
        return old.channel.close().recover { _ in }.assumeIsolated().flatMap { [self] in openUnixSocket() }
            .nonisolated()
    }

    // MARK: TCP

    private func openTCP() -> EventLoopFuture<Void> {
        guard tcp == nil, !isClosed else { return eventLoop.makeSucceededVoidFuture() }
        let (host, port) = (endpoint.settings.host, endpoint.settings.port)
        return listener.listen(on: .tcp(host: host, port: port)).assumeIsolated().map { [self] channel in
            tcp = channel
            guard hasComplained else { return }
            hasComplained = false
            logger.notice("\(host):\(port) is free again, and served")
            publish(true)
        }.recover { [self] error in
            guard !hasComplained else { return }
            hasComplained = true
            publish(false)
            logger.warning(
                """
                cannot listen on \(host):\(port) (\(error)): serving the Unix socket alone, which is what our own tools \
                use; for clients in other languages stop the program that has the port, or choose another \
                (--port, INTER_SESSION_PORT)
                """
            )
        }.nonisolated()
    }
}
