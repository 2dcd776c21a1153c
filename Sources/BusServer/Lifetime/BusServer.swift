package import InterSessionCore
package import Logging
import NIOCore
package import Platform

/// The server of one port, from its lock to its last byte.
package struct BusServer: Sendable {
    /// Why there is no server, as a sentence with the way out.
    package enum Failure: Error, Equatable {
        case alreadyRunning(port: Int)
    }

    private let endpoint: BusEndpoint
    private let mail: MailSettings
    private let logger: Logger

    /// - Parameters:
    ///   - endpoint: the port, and the data directory that all servers of this user share.
    ///   - mail: what the mail of this server may cost.
    ///   - logger: for server.log.
    package init(endpoint: BusEndpoint, mail: MailSettings, logger: Logger) {
        self.endpoint = endpoint
        self.mail = mail
        self.logger = logger
    }

    /// Serves until it is idle for long enough or gets SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - inheritedLock: the server's lock, when the process that started us took it; else it is taken here.
    ///   - ready: called once connections are accepted.
    /// - Throws: ``Failure``, `PlatformError`, `DatabaseError` and `NIOCore.IOError`: why it cannot serve.
    package func run(inheritedLock: FileLock?, ready: () -> Void) async throws {
        let port = endpoint.settings.port
        let directory = endpoint.directory
        SystemProcess.raiseOpenFiles()
        try directory.prepare()
        try directory.close()
        try directory.prepareSocketDirectory(port: port)
        guard let lock = try inheritedLock ?? FileLock.tryLock(directory.serverLock(port: port)) else {
            throw Failure.alreadyRunning(port: port)
        }
        let token = try BearerToken(of: directory)
        let identity = try ServerIdentity(publishing: endpoint)
        defer { identity.withdraw() }

        // One event loop owns all that changes, so that a message meets no lock and no second thread on its way.
        let eventLoop = ToolThread.eventLoop
        let (reasonsToEnd, end) = AsyncStream.makeStream(of: String.self)
        let idleMinutes = endpoint.settings.idleShutdownMinutes
        let opened = try await BlockingWork.run { [mail, logger] in
            try SharedMail(of: directory, logger: logger).takeOver(for: port)
            return try Bus.OpenedStore(directory.bus(port: port), mail)
        }
        let given = Bus.Parameters(
            directory: directory,
            token: token,
            settings: mail,
            idleMinutes: idleMinutes,
            logger: logger
        )
        let files = try await eventLoop.submit {
            NIOLoopBound(StoreFiles(directory.mail(port: port)), eventLoop: eventLoop)
        }.get()
        let bus = try await eventLoop.submit {
            Bus(opened, given, eventLoop, databaseWasReplaced: { files.value.wereReplaced() }) {
                end.yield("nobody was here for \(idleMinutes) min")
            }
        }.get()
        let listeners = try await eventLoop.submit { [endpoint, identity, logger] in
            NIOLoopBound(
                Listeners(
                    BusListener(
                        eventLoop: eventLoop,
                        router: bus.router,
                        unauthenticated: NIOLoopBound(UnauthenticatedLimit(), eventLoop: eventLoop),
                        logger: logger
                    ),
                    endpoint,
                    publish: { try? identity.publish(servesTCP: $0) },
                    logger
                ),
                eventLoop: eventLoop
            )
        }.get()
        let log = ServerLog(path: directory.serverLog)
        try await eventLoop.submit {
            let listeners = listeners.value
            bus.startPeriodicChecks(
                in: directory,
                token,
                isThere: { lock.isInPlace(directory.serverLock(port: port)) && files.value.areInPlace },
                leave: { end.yield("its files were removed or replaced") },
                others: [
                    listeners.check, log.rotateIfLong,
                    // Another server has saved it there, whose place this one has taken.
                    {
                        if SharedMail.isWaiting(in: directory.bus(port: port)) { end.yield("mail is to be brought in") }
                    },
                ]
            )
        }.get()
        async let storing: Void = bus.storageWorker.run()
        try await eventLoop.flatSubmit { listeners.value.open() }.get()
        ready()
        logger.info("serving \(endpoint.settings.host):\(port), version \(InterSession.version)")

        await waitForEnd(reasonsToEnd)

        try? await eventLoop.flatSubmit { listeners.value.close() }.get()
        bus.stopAccepting()
        // What was accepted is written and delivered before anybody is sent away.
        await storing
        await bus.sayGoodbye()
        withExtendedLifetime(lock) {}
    }

    private func waitForEnd(_ reasons: AsyncStream<String>) async {
        await withTaskGroup(of: String?.self) { tasks in
            tasks.addTask { await reasons.first { _ in true } }
            tasks.addTask {
                _ = try? await Lifeline.end(needsReader: false)
                return "a signal asks for it"
            }
            if let reason = await tasks.next() { logger.info("leaving: \(reason ?? "cancelled")") }
            tasks.cancelAll()
        }
    }
}

extension BusServer.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .alreadyRunning(let port):
            "a server is running on port \(port) already; use it, or stop it, or choose another --port"
        }
    }
}
