import ArgumentParser
import InterSessionCore

@main
struct List: Tool {
    static let purpose = "Show who is on the bus."
    static let example = "list --json"

    @Flag(help: "Print one JSON array.")
    var json = false

    @Flag(help: "Show the sessions that are known and away, too, and how much mail waits for each.")
    var all = false

    @Flag(help: "Show also the process of each session and how long it has been idle.")
    var long = false

    @Flag(name: .customLong("self"), help: "Show this session's own connection instead.")
    var onlySelf = false

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard !(onlySelf && (json || all || long)) else { throw ValidationError("--self goes with no other option") }
    }

    func run() async throws {
        if onlySelf { return try StandardStreams.print(Self.status()) }
        let hasDetails = all || long
        let sessions: [ServerFrame.SessionSummary] = try await ControlSession(bus)
            .ask([.list(all: hasDetails)], features: hasDetails ? .sessions : []) { answer in
                if case .listing(let sessions, _, _) = answer { sessions } else { nil }
            }
        let shown = all ? sessions : sessions.filter { $0.details?.isOnline ?? true }
        try StandardStreams.print(
            json ? SessionTable.json(shown) : SessionTable(shown, showsAll: all, isLong: long).text
        )
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
