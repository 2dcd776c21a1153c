import ArgumentParser
import InterSessionCore
import NIOCore
import Platform
import ToolSupport

struct List: Tool {
    static let purpose = "Show who is on the bus, and its gateways to agents elsewhere."
    static let example = "list --json"

    @Flag(help: "Print one JSON array.")
    var json = false

    @Flag(help: "Show also who is known and away, how much mail waits, and which agents the gateways know.")
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
        let (sessions, gateways) = try await ControlSession(bus)
            .ask([.list(all: hasDetails)], features: hasDetails ? [.sessions, .gateways] : .gateways) { answer in
                if case .listing(let sessions, let gateways, _) = answer { (sessions, gateways) } else { nil }
            }
        let shown = all ? sessions : sessions.filter { $0.details?.isOnline ?? true }
        let doors = all ? gateways : gateways.filter(\.isOnline)
        if json { return try StandardStreams.print(Self.json(shown, doors)) }
        try StandardStreams.print(SessionTable(shown, showsAll: all, isLong: long).text)
        if !doors.isEmpty { try StandardStreams.print("\n" + GatewayTable(doors, showsAll: all).text) }
    }

    /// One array: sessions, which have a `session_id`, then gateways, which have an `agent`.
    private static func json(
        _ sessions: [ServerFrame.SessionSummary],
        _ gateways: [ServerFrame.GatewaySummary]
    ) -> String {
        let objects =
            sessions.map { session in JSONWriter.object { session.write(to: &$0) } }
            + gateways.map { gateway in JSONWriter.object { gateway.write(to: &$0) } }
        return "[\(objects.map { String(buffer: $0) }.joined(separator: ","))]"
    }

    private static func status() throws -> String {
        let directory = try DataDirectory.current()
        guard let session = try SessionState.ofLiveClient(try SessionKey.current(), in: directory) else {
            return "not connected"
        }
        return "name=\(session.name) session_id=\(session.sessionID) listener_pid=\(session.processID) "
            + "host=\(session.host) port=\(session.port)"
    }
}
