package import InterSessionCore
package import Logging
import NIOCore

/// The server of one port, from its lock to its last byte.
package struct BusServer: Sendable {
    package enum Failure: Error, Equatable {
        case alreadyRunning(port: Int)
        case portInUse(host: String, port: Int, reason: String)
    }

    private let endpoint: BusEndpoint
    private let mail: MailSettings
    private let logger: Logger

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
    package func run(inheritedLock: FileLock?, ready: () throws -> Void) async throws {
        let port = endpoint.settings.port
        SystemProcess.raiseOpenFiles()
        try endpoint.directory.prepare()
        try endpoint.directory.close()
        try endpoint.directory.prepareSocketDirectory(port: port)
        guard let lock = try inheritedLock ?? FileLock.tryLock(endpoint.directory.serverLock(port: port)) else {
            throw Failure.alreadyRunning(port: port)
        }
        let token = try BearerToken(of: endpoint.directory)
        let identity = try ServerIdentity(publishing: endpoint)
        defer { identity.withdraw() }

        // One event loop owns all that changes, so that a message meets no lock and no second thread on its way.
        let eventLoop = ToolThread.eventLoop
        let (reasonsToEnd, end) = AsyncStream.makeStream(of: String.self)
        let idleMinutes = endpoint.settings.idleShutdownMinutes
        let inheritance = try await BlockingWork.run { [endpoint, mail] in
            try Bus.Inheritance(endpoint.directory, mail)
        }
        let bus = try await eventLoop.submit { [mail, logger] in
            Bus(inheritance, token, mail, eventLoop, logger, idleMinutes: idleMinutes) {
                end.yield("nobody was here for \(idleMinutes) min")
            }
        }.get()
        try await eventLoop.submit { [endpoint] in
            bus.startRounds(
                in: endpoint.directory,
                token,
                isThere: { lock.isInPlace(endpoint.directory.serverLock(port: port)) },
                leave: { end.yield("the data directory was removed") }
            )
        }.get()
        async let storing: Void = bus.storageWorker.run()
        let strangers = try await eventLoop.submit {
            NIOLoopBound(StrangerLimit(), eventLoop: eventLoop)
        }.get()
        let listeners = try await listen(
            BusListener(eventLoop: eventLoop, router: bus.router, strangers: strangers, logger: logger)
        )
        try ready()
        logger.info("serving \(endpoint.settings.host):\(port), version \(InterSession.version)")

        await waitForEnd(reasonsToEnd)

        for listener in listeners { try? await listener.close() }
        // The lock is still ours, so the socket's file is too.
        File.remove(endpoint.directory.socket(port: port))
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

    private func listen(_ listener: BusListener) async throws -> [any Channel] {
        let settings = endpoint.settings
        let tcp: any Channel
        do {
            tcp = try await listener.listen(on: .tcp(host: settings.host, port: settings.port))
        } catch {
            throw Failure.portInUse(host: settings.host, port: settings.port, reason: "\(error)")
        }
        let path = endpoint.directory.socket(port: settings.port)
        // What a killed server left: nobody listens on it, since we hold the lock.
        File.remove(path)
        let unix = try await listener.listen(on: .unixSocket(path: path))
        try File.makePrivate(path)
        return [tcp, unix]
    }
}

extension BusServer.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .alreadyRunning(let port):
            "a server is running on port \(port) already; use it, or stop it, or choose another --port"
        case .portInUse(let host, let port, let reason):
            "cannot listen on \(host):\(port) (\(reason)); stop the program that uses it, or choose another port "
                + "(--port, INTER_SESSION_PORT)"
        }
    }
}
