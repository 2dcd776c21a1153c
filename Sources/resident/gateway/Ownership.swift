import AgentGateway
import InterSessionCore
import Logging
import Platform

/// The way of one gateway process: it waits until it is the owner of the agent's mail, and is that as long as somebody
/// is there to own it for.
struct Ownership: Sendable {
    let agent: AgentName
    let transport: TransportKind
    let endpoint: BusEndpoint
    let settings: AgentGateway.Settings
    let logger: Logger

    /// How often it looks whether a spool is free that is owned on another machine.
    private static let lookInterval: Duration = .seconds(2)

    private var directory: DataDirectory { endpoint.directory }

    /// Runs until it may leave, or the task is cancelled.
    func run() async throws {
        do {
            try await Outage.outlast("the gateway cannot start", logger) { try directory.prepare() }
            switch transport {
            case .stdio: try await own(try StdioTransport(logger: logger))
            case .spool(let path): try await ownSpool(path)
            }
        } catch let farewell as GatewayLock.Farewell {
            say("the gateway of '\(agent)' has left: \(farewell.reason); leaving, too")
        }
    }

    private func own(_ stdio: StdioTransport) async throws {
        var lock = try await Outage.outlast("the gateway cannot start", logger) {
            try GatewayLock(agent, transport: transport.description, in: directory)
        }
        if lock == nil {
            lock = try await withThrowingTaskGroup(of: GatewayLock?.self) { tasks in
                tasks.addTask { try await waitForLock() }
                tasks.addTask {
                    try await stdio.waitForEnd()
                    return nil
                }
                defer { tasks.cancelAll() }
                return try await tasks.next() ?? nil
            }
        }
        guard let lock else { return logger.info("leaving: standard input has ended") }
        var farewell: String?
        defer { lock.release(farewell: farewell) }
        farewell = try await run(stdio)
    }

    private func ownSpool(_ path: String) async throws {
        let lock = try await waitForLock()
        var farewell: String?
        defer { lock.release(farewell: farewell) }
        while true {
            do {
                let spool = try await spool(path)
                say("gateway of '\(agent)' is up (\(transport))")
                farewell = try await run(spool)
                return
            } catch is SpoolTransport.Owned {
                logger.warning("another gateway of '\(agent)' owns its spool now")
            }
        }
    }

    /// - Returns: why no other gateway is needed, where that is so.
    private func run(_ transport: some Transport) async throws -> String? {
        let gateway = AgentGateway(agent, endpoint: endpoint, settings: settings, logger: logger)
        switch try await gateway.run(transport) {
        case .alone(let reason):
            logger.info("leaving: \(reason)")
            return reason
        case .other(let reason):
            logger.info("leaving: \(reason)")
            return nil
        }
    }

    private func waitForLock() async throws -> GatewayLock {
        try await GatewayLock.wait(
            for: agent,
            transport: transport.description,
            in: directory,
            mayLeave: settings.idleTime != nil,
            logger
        ) { owner in
            let process = owner.map { "pid \($0.processID), \($0.transport), since \($0.since)" } ?? "it is starting"
            say("a gateway of '\(agent)' is running already (\(process)); standing by")
        }
    }

    private func spool(_ path: String) async throws -> SpoolTransport {
        var hasSaid = false
        while true {
            do {
                return try await Outage.outlast("the spool cannot be used", logger) {
                    try SpoolTransport(root: path, agent: agent, logger: logger)
                }
            } catch let owned as SpoolTransport.Owned {
                if !hasSaid {
                    let process = "pid \(owned.processID) on \(owned.host)"
                    say("a gateway of '\(agent)' owns its spool already (\(process)); standing by")
                }
                hasSaid = true
                try await pause(Self.lookInterval)
            }
        }
    }

    /// Where standard output is the wire, nothing else is said there.
    private func say(_ text: String) {
        let line = NotificationLine.notice(text)
        if case .stdio = transport { return StandardStreams.printError(line) }
        try? StandardStreams.print(line)
    }
}
