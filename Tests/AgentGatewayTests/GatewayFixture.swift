import InterSessionCore
import Logging
import Platform
import Synchronization
import TestSupport

@testable import AgentGateway

/// The gateway of agent `a` between a bus and a transport that are the test's, with a clock that is, too.
final class GatewayFixture: Sendable {
    private struct State {
        var sessions: [ServerFrame.SessionSummary] = []
        var delivered: [ClientFrame.Inbound] = []
    }

    let clock = ManualClock()
    let directory: DataDirectory
    private let state = Mutex(State())
    private let refusal: @Sendable (ClientFrame.Inbound, GatewayFixture) -> ServerFrame.Failure?

    /// - Parameter refusal: what the bus says of a message from outside; nil accepts it.
    private init(
        _ directory: DataDirectory,
        refusal: @escaping @Sendable (ClientFrame.Inbound, GatewayFixture) -> ServerFrame.Failure?
    ) {
        self.directory = directory
        self.refusal = refusal
    }

    static func with(
        refusal: @escaping @Sendable (ClientFrame.Inbound, GatewayFixture) -> ServerFrame.Failure? = { _, _ in nil },
        _ body: @Sendable (GatewayFixture) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { path in
            let directory = DataDirectory(path: "\(path)/data")
            try directory.prepare()
            try Directory.ensurePrivate(directory.gateways)
            try await body(GatewayFixture(directory, refusal: refusal))
        }
    }

    /// One life of the gateway.
    struct Life: Sendable {
        let bus: ScriptedBus
        let transport: MemoryTransport

        /// What the gateway has said on its newest connection.
        var said: [ClientFrame] { bus.connections.last?.written.map(\.frame) ?? [] }
    }

    /// Runs a gateway, and ends it behind `body`.
    func run(
        _ settings: AgentGateway.Settings = GatewayFixture.settings(),
        _ body: @Sendable @escaping (Life) async throws -> Void
    ) async throws {
        let life = Life(bus: ScriptedBus { self.react($0, on: $1) }, transport: MemoryTransport())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { _ = try await self.end(settings, life) }
            tasks.addTask { try await body(life) }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    /// Runs a gateway to its own end.
    func end(_ settings: AgentGateway.Settings) async throws -> AgentGateway.End {
        try await end(settings, Life(bus: ScriptedBus { self.react($0, on: $1) }, transport: MemoryTransport()))
    }

    private func end(_ settings: AgentGateway.Settings, _ life: Life) async throws -> AgentGateway.End {
        let gateway = AgentGateway(
            try AgentName(validating: "a"),
            endpoint: BusEndpoint(
                directory: directory,
                settings: try BusSettings(port: 1, environment: { _ in nil })
            ),
            settings: settings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await gateway.run(
            life.transport,
            on: SessionLink(life.bus.dialer, clock: clock),
            clock: clock
        )
    }

    static func settings(
        _ policy: UnroutedPolicy = .primary,
        retryTime: Duration = .seconds(300),
        idleTime: Duration? = nil
    ) -> AgentGateway.Settings {
        var settings = AgentGateway.Settings()
        settings.policy = policy
        settings.retryTime = retryTime
        settings.idleTime = idleTime
        return settings
    }

    // MARK: The bus

    /// The texts that the bus has accepted, in their order, each with whom it went to.
    var delivered: [String] {
        state.withLock { $0.delivered.map { "\($0.from) -> \($0.to.joined(separator: "+")): \($0.message.text)" } }
    }

    /// The names of the sessions that are on the bus, for whoever asks next.
    func setSessions(_ names: String...) {
        let sessions = names.map { name in
            ServerFrame.SessionSummary(
                sessionID: "id-\(name)",
                name: name,
                label: "",
                workingDirectory: "/projects/\(name)",
                since: ""
            )
        }
        state.withLock { $0.sessions = sessions }
    }

    /// The names of what the gateway keeps for sessions that are not there.
    var held: [String] { Directory.entries("\(directory.gateways)/a.mail/held") }

    private func react(_ request: ClientRequest, on connection: ScriptedBus.Connection) {
        ScriptedBus.welcome(request, on: connection)
        switch request.frame {
        case .list: connection.send(.listing(state.withLock { $0.sessions }, gateways: [], ref: request.ref))
        case .deliver(let mail):
            if var failure = refusal(mail, self) {
                failure.ref = request.ref
                return connection.send(.error(failure))
            }
            state.withLock { $0.delivered.append(mail) }
            let sent = ServerFrame.Sent(
                messageID: "aaaaaaaaaa",
                to: nil,
                state: .delivered,
                recipients: mail.to.count,
                ref: request.ref
            )
            connection.send(.sent(sent))
        default: break
        }
    }
}
