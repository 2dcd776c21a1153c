package import Platform

/// Finds the server of an endpoint, or makes one: among any number of clients exactly one starts it.
///
/// Whoever gets the server's lock without waiting spawns the server and hands it the lock's descriptor, so that the
/// lock passes from one to the other without a moment in which it is free. The others wait for the socket. The kernel
/// frees the lock when the server dies, which makes takeover the same as starting.
package struct ServerElection: Sendable {
    /// A server starts in some 20 ms; this is for a machine that is busy.
    private static let deadline: Duration = .seconds(10)
    /// Between two looks for the socket of a server that somebody else is starting.
    private static let interval: Duration = .milliseconds(5)
    /// What the server says on its ready descriptor when it accepts connections.
    package static let ready = "ready"

    private let endpoint: BusEndpoint

    package init(endpoint: BusEndpoint) {
        self.endpoint = endpoint
    }

    /// A connection to the server, which was started when there was none.
    ///
    /// - Throws: ``BusError/serverDidNotStart(reason:)``, ``PlatformError``, or `CancellationError`.
    package func connect() async throws -> Descriptor {
        let clock = ContinuousClock()
        let giveUp = clock.now + Self.deadline
        let lockPath = endpoint.directory.serverLock(port: endpoint.settings.port)
        while true {
            if let socket = try endpoint.connectIfUp() { return socket }
            if let lock = try FileLock.tryLock(lockPath) {
                try await start(holding: lock)
                continue
            }
            guard clock.now < giveUp else {
                throw BusError.serverDidNotStart(
                    reason: "another process holds '\(lockPath)' "
                        + "and does not answer; see '\(endpoint.directory.serverLog)'"
                )
            }
            try await pause(Self.interval)
        }
    }

    private func start(holding lock: FileLock) async throws {
        let log = try openLog()
        let nothing = try Descriptor.openNull()
        let (ready, readyWriter) = try Descriptor.pipe()
        try spawnServer(lock: lock, log: log, nothing: nothing, ready: readyWriter)
        let lines = try await BlockingWork.run { ready.readLines(within: Self.deadline) { _ in true } }
        guard lines.first == Self.ready else {
            throw BusError.serverDidNotStart(
                reason: lines.first ?? "it ended without a word; see '\(endpoint.directory.serverLog)'"
            )
        }
    }

    /// Our own ends of the descriptors are closed on return, so that the server alone holds them.
    private func spawnServer(
        lock: FileLock,
        log: Descriptor,
        nothing: Descriptor,
        ready: consuming Descriptor
    ) throws {
        ChildProcess.neverWait()
        _ = try ChildProcess.spawn(
            try ToolLocator.path(of: "server", in: endpoint.directory),
            [
                "--host", endpoint.settings.host,
                "--port", "\(endpoint.settings.port)",
                "--idle-shutdown-minutes", "\(endpoint.settings.idleShutdownMinutes)",
                "--lock-descriptor", "3",
                "--ready-descriptor", "4",
            ],
            environment: Environment.forChild,
            streams: [
                .descriptor(nothing), .descriptor(log), .descriptor(log),
                .descriptor(lock.descriptor), .descriptor(ready),
            ],
            detached: true
        )
    }

    private func openLog() throws -> Descriptor {
        let path = endpoint.directory.serverLog
        let log = try File.openForAppending(path)
        guard try File.size(log) > Self.longestLog else { return log }
        try File.rename(path, to: path + ".1")
        return try File.openForAppending(path)
    }

    /// server.log gets a few lines for each connection; 4 MiB are weeks.
    package static let longestLog = 4 * 1024 * 1024
}
