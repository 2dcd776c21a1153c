package import InterSessionCore
package import Logging
import Platform

/// The single owner of an agent's mail outside its bus, for as long as there is somebody to own it for.
package struct AgentGateway: Sendable {
    package struct Settings: Sendable {
        package var policy = UnroutedPolicy.primary
        /// How long a message is tried before its sender hears that it did not go.
        package var retryTime: Duration = .seconds(300)
        /// How long the gateway stays without a session; nil is for ever.
        package var idleTime: Duration? = .seconds(60)
        /// What answers when no session is there; nil is nobody.
        package var response: ResponseCommand?
        package var mostResponses = 4

        package init() {}
    }

    /// Why a gateway has ended.
    package enum End: Sendable {
        /// Nobody was there for whom it would be.
        case alone(String)
        case other(String)
    }

    private let agent: AgentName
    private let endpoint: BusEndpoint
    private let settings: Settings
    private let logger: Logger

    package init(_ agent: AgentName, endpoint: BusEndpoint, settings: Settings, logger: Logger) {
        self.agent = agent
        self.endpoint = endpoint
        self.settings = settings
        self.logger = logger
    }

    /// Runs as ``run(_:on:clock:)``, on the bus of the endpoint.
    package func run(_ transport: some Transport) async throws -> End {
        let clock = EventLoopClock()
        return try await run(transport, on: SessionLink(.electing(endpoint), clock: clock), clock: clock)
    }

    /// Runs until nobody is there, the transport has ended, or the task is cancelled. A disk that is full ends nothing.
    ///
    /// - Throws: `BusError`, `PlatformError`, and what the transport throws.
    func run(
        _ transport: some Transport,
        on link: SessionLink,
        clock: some Clock<Duration>
    ) async throws -> End {
        let gateway = GatewayPeer(
            link,
            introduction: .init(
                agent: agent.rawValue,
                label: transport.label,
                policy: settings.policy.rawValue,
                processID: Int(SystemProcess.current)
            ),
            logger: logger
        )
        let presence = Presence(clock: clock)
        let (inbound, responder) = try await Outage.outlast("the gateway cannot start", logger) {
            try mail(gateway, presence, clock)
        }
        let outbound = OutboundMail(
            agent: agent,
            gateway: gateway,
            retryTime: settings.retryTime,
            clock: clock,
            logger: logger
        )
        return try await withThrowingTaskGroup(of: End.self) { tasks in
            tasks.addTask {
                try await gateway.run()
                return .other("the bus is gone")
            }
            tasks.addTask {
                try await transport.run()
                return .other("the transport has ended")
            }
            tasks.addTask {
                var inbound = inbound
                try await inbound.run(transport)
                return .other("nothing more comes from outside")
            }
            tasks.addTask {
                try await outbound.run(transport)
                return .other("nothing more goes outside")
            }
            tasks.addTask {
                await transport.watchAgents { await gateway.setAgents($0) }
                return .other("nobody outside can be known any more")
            }
            if let responder {
                tasks.addTask {
                    try await responder.run()
                    return .other("nothing more is answered")
                }
            }
            if let idleTime = settings.idleTime {
                tasks.addTask {
                    try await presence.waitUntilAlone(for: idleTime)
                    return .alone("no session was here for \(idleTime.components.seconds) s")
                }
            }
            defer { tasks.cancelAll() }
            return try await tasks.next() ?? .other("cancelled")
        }
    }

    private func mail<Ticker>(
        _ gateway: GatewayPeer,
        _ presence: Presence<Ticker>,
        _ clock: Ticker
    ) throws -> (InboundMail<Ticker>, Responder?) {
        let place = endpoint.directory.gatewayMail(agent)
        try Directory.ensurePrivate(place)
        var held = try InboundMessageStore(path: "\(place)/held")
        var responding = try InboundMessageStore(path: "\(place)/responding")
        let failures = try FailedMessages(path: "\(place)/failed")
        let lastName = ((held.entries + responding.entries).map(\.name) + [failures.lastName].compactMap { $0 }).max()
        if settings.response == nil {
            // Nobody answers any more what was being answered: it waits for a session.
            for entry in responding.entries {
                let message = try responding.read(entry.name)
                if !held.contains(message) { try held.add(message, as: entry.name) }
                responding.remove(entry.name)
            }
        }
        let responder = settings.response.map { command in
            Responder(
                command: command,
                mostAtOnce: settings.mostResponses,
                gateway: gateway,
                messages: responding,
                failures: failures,
                logger: logger
            )
        }
        let inbound = InboundMail(
            gateway: gateway,
            policy: settings.policy,
            presence: presence,
            responder: responder,
            held: held,
            failures: failures,
            lastName: lastName,
            clock: clock,
            logger: logger
        )
        return (inbound, responder)
    }
}
