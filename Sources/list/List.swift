import ArgumentParser
import InterSessionCore

@main
struct List: Tool {
    static let purpose = "Show who is on the bus."
    static let example = "list --json"

    @Flag(help: "Print one JSON array.")
    var json = false

    @Flag(name: .customLong("self"), help: "Show this session's own connection instead.")
    var onlySelf = false

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard !(json && onlySelf) else { throw ValidationError("give --json or --self, not both") }
    }

    func run() async throws {
        if onlySelf { return try StandardStreams.print(Self.status()) }
        let sessions: [ServerFrame.SessionSummary] = try await ControlSession(bus).ask([.list]) { answer in
            if case .listing(let sessions, _) = answer { sessions } else { nil }
        }
        try StandardStreams.print(json ? SessionTable.json(sessions) : SessionTable(sessions).text)
    }

    private static func status() throws -> String {
        let directory = try DataDirectory.current()
        guard let agent = try ListenerState.ofLiveListener(try SessionKey.current(), in: directory) else {
            return "not connected"
        }
        return "name=\(agent.name) session_id=\(agent.sessionID) listener_pid=\(agent.listenerProcessID) "
            + "host=\(agent.host) port=\(agent.port)"
    }
}
