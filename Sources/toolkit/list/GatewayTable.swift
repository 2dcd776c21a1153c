import InterSessionCore
import ToolSupport

/// The gateways of the bus, for a person.
struct GatewayTable {
    private let gateways: [ServerFrame.GatewaySummary]
    private let showsAll: Bool

    init(_ gateways: [ServerFrame.GatewaySummary], showsAll: Bool) {
        self.gateways = gateways
        self.showsAll = showsAll
    }

    var text: String {
        var table = Table(header: ["GATEWAY OF", "TRANSPORT", "SINCE", "PID"] + (showsAll ? ["STATE", "KNOWS"] : []))
        for gateway in gateways {
            var cells = [
                gateway.agent, gateway.label.isEmpty ? "-" : gateway.label, gateway.since,
                gateway.processID.map(String.init) ?? "-",
            ]
            if showsAll {
                cells += [
                    gateway.isOnline ? "here" : "away",
                    gateway.agents.isEmpty ? "-" : gateway.agents.joined(separator: ", "),
                ]
            }
            table.add(cells)
        }
        return table.lines.joined(separator: "\n")
    }
}
