import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Client: Tool {
    static let purpose = "Put this Claude Code session on the bus; each line printed is one message for it."
    static let example = "client --name api --label 'API refactoring'"

    @Option(help: ArgumentHelp("What others call this session (default: from the directory).", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("What people see beside the name.", valueName: "text"))
    var label: String?

    /// How long the mail may take that an `inbox` of this session prints at this moment.
    private static let placeDeadline: Duration = .seconds(30)

    @OptionGroup var bus: BusOptions

    @Option(help: ArgumentHelp("How long a server started here stays without a session.", valueName: "minutes"))
    var idleShutdownMinutes: Int?

    @Flag(help: "Also print who joins, leaves and is renamed.")
    var verbose = false

    func run() async throws {
        let identity = try SessionIdentity(name: name, label: label)
        let directory = try DataDirectory.current()
        let endpoint = BusEndpoint(
            directory: directory,
            settings: try bus.settings(directory, idleShutdownMinutes: idleShutdownMinutes)
        )
        try directory.prepare()
        let key = try SessionKey.current()
        let notices = Notices(key, in: directory)
        guard let place = try await SessionPlace.take(key, in: directory, within: Self.placeDeadline) else {
            return try StandardStreams.print(notices.anotherMonitor)
        }
        let received = try ReceivedMessages(of: key, on: endpoint.settings.port, in: directory)
        let session = SessionPeer(
            identity,
            place,
            on: endpoint.settings,
            received: received,
            watchesOthers: verbose
        ) { event in
            if let line = notices.line(for: event) { try await LineSink.printWhenThereIsRoom(line) }
        }
        let link = SessionLink(.electing(endpoint), received: received)
        let format = NotificationFormat(directory, port: endpoint.settings.port)
        var end = SessionLink.End.left
        do {
            end = try await ClientLifetime(claudeProcess: SessionKey.claudeProcess())
                .run(link, session, LineSink { format.lines(for: $0) })
            if let line = notices.line(for: end) { try StandardStreams.print(line) }
        } catch let error as PlatformError where error.isBrokenPipe {
            // Nobody reads any more.
        }
        await session.leave()
        if case .refused = end { throw ExitCode.refused }
    }
}
