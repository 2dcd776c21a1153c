import AgentGateway
import ArgumentParser
import InterSessionCore
import Logging

struct Gateway: Tool {
    static let purpose =
        "Own an agent's mail outside this bus: let agents elsewhere reach its sessions, and be reached."
    static let example = "gateway --agent me --transport spool:/srv/spool"

    @Option(help: ArgumentHelp("What the sessions of this bus are called outside it.", valueName: "name"))
    var agent: String

    @Option(
        help: ArgumentHelp(
            "spool:DIRECTORY, files in a directory that the others use, too; stdio, a JSON object a line.",
            valueName: "transport"
        )
    )
    var transport: TransportKind

    @Option(help: ArgumentHelp("Give a message back to its sender after trying so long.", valueName: "seconds"))
    var retrySeconds = 300

    @Option(help: ArgumentHelp("Leave after so long without a session; 0 is never.", valueName: "seconds"))
    var idleSeconds: Int?

    @Option(
        help: ArgumentHelp(
            "A shell command that answers when no session is here: the message as JSON on its input, the answer on its "
                + "output.",
            valueName: "command"
        )
    )
    var respond: String?

    @Option(help: ArgumentHelp("Run so many of these commands at once.", valueName: "number"))
    var respondPool = 4

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard (0...86_400).contains(retrySeconds) else {
            throw ValidationError("--retry-seconds takes 0 to 86400 seconds")
        }
        guard (0...86_400).contains(idleSeconds ?? 0) else {
            throw ValidationError("--idle-seconds takes 0 to 86400 seconds")
        }
        guard (1...64).contains(respondPool) else { throw ValidationError("--respond-pool takes 1 to 64") }
        guard respond != "" else { throw ValidationError("--respond is empty; name a command, or leave it out") }
    }

    func run() async throws {
        let agent = try AgentName(validating: agent)
        let directory = try DataDirectory.current()
        var settings = AgentGateway.Settings()
        settings.policy = try UnroutedPolicy(environment: { Environment[$0] })
        settings.retryTime = .seconds(retrySeconds)
        settings.response = respond.map(ResponseCommand.init)
        settings.mostResponses = respondPool
        // Whoever answers for sessions that are away must not leave with them.
        let idle = idleSeconds ?? (respond == nil ? 60 : 0)
        settings.idleTime = idle == 0 ? nil : .seconds(idle)
        let endpoint = BusEndpoint(directory: directory, settings: try bus.settings(directory))
        try directory.prepare()

        guard let lock = try GatewayLock(agent, transport: transport.description, in: directory) else {
            let owner = GatewayLock.owner(of: agent, in: directory)
            let process = owner.map { "pid \($0.processID), \($0.transport), since \($0.since)" } ?? "it is starting"
            return say("a gateway of '\(agent)' is running already (\(process)); exiting")
        }
        defer { lock.release() }
        let logger = Logger(label: "inter-session.gateway", factory: { StreamLogHandler.standardError(label: $0) })
        let gateway = AgentGateway(agent, endpoint: endpoint, settings: settings, logger: logger)
        switch transport {
        case .stdio: try await gateway.run(try StdioTransport(logger: logger))
        case .spool(let path):
            do {
                let spool = try SpoolTransport(root: path, agent: agent, logger: logger)
                say("gateway of '\(agent)' is up (\(transport))")
                try await gateway.run(spool)
            } catch let owned as SpoolTransport.Owned {
                say("a gateway of '\(agent)' owns its spool already (pid \(owned.processID) on \(owned.host)); exiting")
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

/// The value of --transport.
enum TransportKind: ExpressibleByArgument, CustomStringConvertible {
    case spool(path: String)
    case stdio

    init?(argument: String) {
        if argument == "stdio" {
            self = .stdio
            return
        }
        let parts = argument.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "spool" else { return nil }
        let path = String(parts[1])
        self = .spool(path: path.hasPrefix("/") ? path : "\(Environment.workingDirectory)/\(path)")
    }

    var description: String {
        switch self {
        case .spool(let path): "spool:\(path)"
        case .stdio: "stdio"
        }
    }
}
