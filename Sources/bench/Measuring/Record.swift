import InterSessionCore
import NIOCore
import Platform
import ToolSupport

/// What a benchmark found, and where, so that another one can be compared with it.
struct Record: Sendable {
    let machine: String
    let figures: [Figure]

    var json: String {
        String(
            buffer: JSONWriter.object { json in
                json.field("version", InterSession.version)
                json.field("at", Timestamp.now().iso8601)
                json.field("machine", machine)
                json.field("figures", figures) { $1.write(to: &$0) }
            }
        )
    }

    var table: String {
        var table = Table(header: Figure.header)
        for figure in figures { table.add(figure.cells) }
        return "\(machine)\n\n\(table.lines.joined(separator: "\n"))"
    }

    /// Each figure that an earlier record has too, and how it has changed.
    ///
    /// - Throws: `JSONError`.
    func comparison(with earlier: JSONObject) throws -> String {
        var medians: [String: Double] = [:]
        for figure in try earlier.objects("figures") ?? [] {
            medians[try figure.requiredString("name")] = Double(try figure.integer("median_thousandths") ?? 0) / 1000
        }
        var table = Table(header: ["figure", "then", "now", "now / then"])
        for figure in figures {
            guard let then = medians[figure.name], then > 0 else { continue }
            let now = figure.samples.median
            table.add(
                [
                    figure.name, "\(Figure.text(then)) \(figure.unit.rawValue)",
                    "\(Figure.text(now)) \(figure.unit.rawValue)", Figure.text(now / then),
                ]
            )
        }
        return
            "then: \(try earlier.string("machine") ?? "?")\nnow:  \(machine)\n\n\(table.lines.joined(separator: "\n"))"
    }
}

/// The machine and the build that figures are of.
enum Machine {
    static var description: String {
        let processors = (try? File.readAny("/proc/cpuinfo", limit: 1 << 20)).map {
            String(decoding: $0, as: UTF8.self)
        }
        let lines = processors?.split(separator: "\n").filter { $0.hasPrefix("model name") } ?? []
        let model = lines.first?.split(separator: ":").last.map { $0.drop { $0 == " " } } ?? "unknown processor"
        return "\(model), \(lines.count) processors; \(build) tools of version \(InterSession.version)"
    }

    /// How the tools were linked changes how they start.
    private static var build: String {
        #if DEBUG
            "debug"
        #else
            usesSharedRuntime ? "release (shared Swift runtime: slower than installed ones)" : "release"
        #endif
    }

    private static var usesSharedRuntime: Bool {
        let maps = (try? File.readAny("/proc/self/maps", limit: 1 << 22)).map { String(decoding: $0, as: UTF8.self) }
        return maps?.contains("/libswiftCore.so") ?? false
    }
}
