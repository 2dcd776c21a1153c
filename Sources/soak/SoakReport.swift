import InterSessionCore
import NIOCore
import ToolSupport

/// What a load showed.
struct SoakReport: Sendable {
    struct Use: Sendable {
        let memory: Int?
        let descriptors: Int?
    }

    /// More memory than this at the end, of what it was when the bus was warm, is a leak.
    private static let growth = 1.2
    /// Descriptors that come and go with connections.
    private static let strayDescriptors = 16

    let sessions: Int
    let seconds: Int
    let totals: SoakLedger.Totals
    let atStart: Use
    let atEnd: Use

    /// What is wrong; nil when nothing is.
    var failure: String? {
        var wrong: [String] = []
        if totals.lost != 0 { wrong.append("\(totals.lost) lost") }
        if totals.duplicated > 0 { wrong.append("\(totals.duplicated) duplicated") }
        if totals.reordered > 0 { wrong.append("\(totals.reordered) reordered") }
        if let before = atStart.memory, let after = atEnd.memory, Double(after) > Double(before) * Self.growth {
            wrong.append("memory grew from \(Self.mebibytes(before)) to \(Self.mebibytes(after))")
        }
        if let before = atStart.descriptors, let after = atEnd.descriptors, after > before + Self.strayDescriptors {
            wrong.append("descriptors grew from \(before) to \(after)")
        }
        return wrong.isEmpty ? nil : wrong.joined(separator: ", ")
    }

    private static func mebibytes(_ bytes: Int) -> String {
        let tenths = bytes * 10 / 1_048_576
        return "\(tenths / 10).\(tenths % 10) MiB"
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        "\(microseconds / 1000).\(microseconds % 1000 / 100) ms"
    }

    var text: String {
        var table = Table(header: ["sessions", "\(sessions), for \(seconds) s, \(totals.reconnects) reconnects"])
        table.add([
            "messages", "\(totals.accepted) to be delivered, \(totals.received) delivered, \(totals.refused) refused",
        ])
        table.add(["lost / duplicated / reordered", "\(totals.lost) / \(totals.duplicated) / \(totals.reordered)"])
        table.add(
            [
                "latency p50 / p95 / p99 / most",
                [0.5, 0.95, 0.99, 1].map { Self.milliseconds(totals.latency($0)) }.joined(separator: " / "),
            ]
        )
        table.add(["server's memory, warm / at the end", memory(atStart) + " / " + memory(atEnd)])
        table.add(["server's descriptors", descriptors(atStart) + " / " + descriptors(atEnd)])
        return table.lines.joined(separator: "\n")
    }

    private func memory(_ use: Use) -> String { use.memory.map(Self.mebibytes) ?? "?" }
    private func descriptors(_ use: Use) -> String { use.descriptors.map(String.init) ?? "?" }

    var json: String {
        String(
            buffer: JSONWriter.object { json in
                json.field("sessions", sessions)
                json.field("seconds", seconds)
                json.field("accepted", totals.accepted)
                json.field("received", totals.received)
                json.field("refused", totals.refused)
                json.field("lost", totals.lost)
                json.field("duplicated", totals.duplicated)
                json.field("reordered", totals.reordered)
                json.field("reconnects", totals.reconnects)
                json.field("p50_microseconds", totals.latency(0.5))
                json.field("p95_microseconds", totals.latency(0.95))
                json.field("p99_microseconds", totals.latency(0.99))
                json.field("memory_warm", ifPresent: atStart.memory)
                json.field("memory_end", ifPresent: atEnd.memory)
                json.field("descriptors_warm", ifPresent: atStart.descriptors)
                json.field("descriptors_end", ifPresent: atEnd.descriptors)
            }
        )
    }
}
