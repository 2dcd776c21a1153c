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
        guard let lock = try FileLock.tryLock(directory.clientLock(key)) else {
            return try StandardStreams.print(Notice.anotherMonitor(.read(key, in: directory)).line)
        }
        let listener = Listener(
            endpoint: endpoint,
            key: key,
            identity: identity,
            lock: lock,
            printed: try PrintedMessages(of: key, on: endpoint.settings.port, in: directory),
            isVerbose: verbose
        )
        let code = try await ClientLifetime(claudeProcess: SessionKey.claudeProcess()).run(listener)
        // While the lock is ours: the state of a client that comes next is its own.
        File.remove(directory.clientState(key))
        withExtendedLifetime(lock) {}
        if code != .success { throw code }
    }
}
