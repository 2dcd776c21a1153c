import ArgumentParser
import BusServer
import InterSessionCore
import Logging
import Platform
import ToolSupport

@main
struct Server: Tool {
    static let purpose = "Serve the bus of this machine. Clients start it by themselves."
    static let example = "server --port 9473 --idle-shutdown-minutes 0"

    @OptionGroup var bus: BusOptions

    @Option(help: ArgumentHelp("Leave after so long without a session; 0 is never.", valueName: "minutes"))
    var idleShutdownMinutes: Int?

    /// The server's lock, taken by the client that started this process.
    @Option(help: .hidden) var lockDescriptor: Int32?

    /// Where that client waits for word that connections are accepted.
    @Option(help: .hidden) var readyDescriptor: Int32?

    func run() async throws {
        let starter = try Starter(lock: lockDescriptor, ready: readyDescriptor)
        do {
            let directory = try DataDirectory.current()
            let settings = try bus.settings(directory, idleShutdownMinutes: idleShutdownMinutes)
            let logger = Logger(label: "inter-session.server", factory: { StreamLogHandler.standardError(label: $0) })
            let server = BusServer(
                endpoint: BusEndpoint(directory: directory, settings: settings),
                mail: try MailSettings(environment: { Environment[$0] }),
                logger: logger
            )
            // Whoever started us may be gone: the others find the socket.
            try await server.run(inheritedLock: starter?.lock) { try? starter?.tell(ServerElection.ready) }
        } catch {
            // Whoever started us prints it; we are a daemon whose standard error is a file.
            try? starter?.tell("\(error)")
            throw error
        }
    }
}

/// What the client that started this server handed down.
private struct Starter {
    let lock: FileLock
    private let ready: Descriptor

    /// - Returns: nil when a person started the server.
    init?(lock: Int32?, ready: Int32?) throws {
        guard let lock, let ready else { return nil }
        self.lock = try FileLock(inherited: lock)
        self.ready = Descriptor(owning: ready)
    }

    func tell(_ line: String) throws {
        try ready.write((line + "\n").utf8)
    }
}
