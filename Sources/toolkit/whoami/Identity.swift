import InterSessionCore
import NIOCore
import ToolSupport

/// What a session is to others, on its bus and beyond.
struct Identity {
    private let name: String
    private let sessionID: String
    private let sessions: [ServerFrame.SessionSummary]
    private let gateways: [ServerFrame.GatewaySummary]
    private let trusted: [AgentName]

    init(
        of session: SessionState,
        sessions: [ServerFrame.SessionSummary],
        gateways: [ServerFrame.GatewaySummary],
        trusted: [AgentName]
    ) {
        // The name may have changed since the client wrote it down.
        name = sessions.first { $0.sessionID == session.sessionID }?.name ?? session.name
        sessionID = session.sessionID
        self.sessions = sessions
        self.gateways = gateways
        self.trusted = trusted
    }

    private static func label(_ name: String, _ id: String) -> String {
        RoutingLabel(ofSession: name, id: id)?.rawValue ?? ""
    }

    /// With a gateway the sessions can be reached from outside; without, the bus is all there is.
    private var mode: String { gateways.isEmpty ? "local" : "gateway" }

    var text: String {
        var table = Table(header: ["label:", Self.label(name, sessionID)])
        table.add(["session id:", sessionID])
        let live = sessions.map { Self.label($0.name, $0.sessionID) + ($0.sessionID == sessionID ? " (this one)" : "") }
        table.add(["live sessions:", live.joined(separator: ", ")])
        table.add(["mode:", mode == "local" ? "local (no gateway is up)" : mode])
        for gateway in gateways {
            table.add(["agent:", gateway.agent])
            let owner = gateway.processID.map { "pid \($0), " } ?? ""
            table.add(["gateway owner:", "\(owner)\(gateway.label), since \(gateway.since)"])
            table.add(["unrouted mail:", gateway.policy ?? "-"])
            table.add(["agents known:", gateway.agents.isEmpty ? "-" : gateway.agents.joined(separator: ", ")])
        }
        table.add(["agents trusted:", trusted.isEmpty ? "-" : trusted.map(\.rawValue).joined(separator: ", ")])
        return table.lines.joined(separator: "\n")
    }

    var json: String {
        String(
            buffer: JSONWriter.object { json in
                json.field("agent", ifPresent: gateways.first?.agent)
                json.field("label", Self.label(name, sessionID))
                json.field("name", name)
                json.field("session_id", sessionID)
                json.field("live_sessions", sessions) { json, session in
                    json.field("label", Self.label(session.name, session.sessionID))
                    json.field("name", session.name)
                    json.field("session_id", session.sessionID)
                }
                json.field("mode", mode)
                json.field("gateways", gateways) { $1.write(to: &$0) }
                json.field("trusted_agents", trusted.map(\.rawValue))
            }
        )
    }
}
