import AgentGateway
import ArgumentParser
import InterSessionCore
import Logging
import Platform
import ToolSupport

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
        let logger = Logger(label: "inter-session.gateway", factory: { StreamLogHandler.standardError(label: $0) })
        let ownership = Ownership(
            agent: agent,
            transport: transport,
            endpoint: endpoint,
            settings: settings,
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                if case .terminated = try await Lifeline.end(needsReader: false) {
                    logger.info("leaving: a signal asks for it")
                }
            }
            tasks.addTask { try await ownership.run() }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }
}

/// The value of --transport.
enum TransportKind: ExpressibleByArgument, CustomStringConvertible, Sendable {
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
