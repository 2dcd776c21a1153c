import ArgumentParser
import InterSessionCore
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
        let monitored = try SessionState.ofLiveClient(key, in: directory)
        if peek {
            return try await Peek(
                session: monitored?.sessionID ?? identity.sessionID.rawValue,
                name: identity.name,
                asJSON: json
            )
            .run(try Observer(bus))
        }
        if let monitored { throw Failure.monitorRuns(name: monitored.name) }
        try directory.prepare()
        // No monitor of this session starts while its mail is taken.
        guard let place = try await SessionPlace.take(key, in: directory, within: .seconds(2)) else {
            throw Failure.monitorRuns(name: SessionState.read(key, in: directory)?.name ?? "")
        }
        let endpoint = BusEndpoint(directory: directory, settings: try bus.settings(directory))
        try await MailCollection(
            endpoint: endpoint,
            identity: identity,
            received: try ReceivedMessages(of: key, on: endpoint.settings.port, in: directory),
            asJSON: json
        )
        .run()
        withExtendedLifetime(place) {}
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
