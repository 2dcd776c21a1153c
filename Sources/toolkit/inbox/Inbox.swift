import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Inbox: Tool {
    static let purpose = "Take this session's unseen mail, where no monitor prints it."
    static let example = "inbox --name api"

    @Flag(help: "Only look: the mail stays unseen.")
    var peek = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @Option(help: ArgumentHelp("What others call this session (default: its name of before).", valueName: "name"))
    var name: String?

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let directory = try DataDirectory.current()
        let identity = try SessionIdentity(name: name)
        let key = try SessionKey.current()
        let listener = try ListenerState.ofLiveListener(key, in: directory)
        if peek {
            return try await Peek(
                session: listener?.sessionID ?? identity.sessionID.rawValue,
                name: identity.name,
                asJSON: json
            )
            .run(try Observer(bus))
        }
        if let listener { throw Failure.monitorRuns(name: listener.name) }
        try directory.prepare()
        // No monitor of this session starts while its mail is taken.
        guard let lock = try FileLock.tryLock(directory.clientLock(key)) else { throw Failure.monitorRuns(name: "") }
        let endpoint = BusEndpoint(directory: directory, settings: try bus.settings(directory))
        try await MailCollection(
            endpoint: endpoint,
            identity: identity,
            printed: try PrintedMessages(of: key, on: endpoint.settings.port, in: directory),
            asJSON: json
        )
        .run()
        withExtendedLifetime(lock) {}
    }

    enum Failure: Error, Equatable, ToolError {
        case monitorRuns(name: String)

        var description: String {
            switch self {
            case .monitorRuns(let name):
                "a monitor of this session runs\(name.isEmpty ? "" : " as '\(name)'") and prints its mail; "
                    + "--peek shows what it has not printed yet"
            }
        }

        var exitCode: ExitCode { .refused }
    }
}
