import ArgumentParser
import InterSessionCore
import NIOCore
import Platform
import ToolSupport

/// Not installed: `swift run -c release bench`.
@main
struct Bench: Tool {
    static let purpose = "Measure the tools and the bus, beside what the machine allows."
    static let example = "bench --json > before.json; bench --compare before.json"

    enum Section: String, CaseIterable, ExpressibleByArgument {
        case processes, throughput, crowds, rest
    }

    @Option(help: ArgumentHelp("Measure this alone: processes, throughput, crowds or rest.", valueName: "section"))
    var only: Section?

    @Flag(help: "Few runs of everything, to see that it works.")
    var quick = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @Option(help: ArgumentHelp("Print how the figures have changed since that record.", valueName: "file"))
    var compare: String?

    @Option(help: ArgumentHelp("Measure growth instead, and draw it into this file (SVG).", valueName: "file"))
    var growth: String?

    @Option(help: ArgumentHelp("Where the tools are (default: beside this program).", valueName: "directory"))
    var tools: String?

    /// Be the relay that is one of the floors.
    @Flag(help: .hidden) var relay = false

    func run() async throws {
        if relay { return try RelayFloor.copy() }
        SystemProcess.raiseOpenFiles()
        let ours = Environment.executable.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) } ?? "."
        let links = try ToolLinks(to: tools ?? ours, ours: ours)
        defer { links.remove() }
        if let growth { return try await grow(links.path, into: growth) }
        // Before the measuring, which takes minutes.
        let earlier = try compare.map { try JSONObject(ByteBuffer(bytes: try File.readAny($0, limit: 1 << 24))) }
        var figures: [Figure] = []
        for section in Section.allCases where only == nil || only == section {
            if !json { StandardStreams.printError("measuring \(section.rawValue) …") }
            figures += try await measure(section, links)
        }
        let record = Record(machine: Machine.description, figures: figures)
        if let earlier { return try StandardStreams.print(try record.comparison(with: earlier)) }
        try StandardStreams.print(json ? record.json : record.table)
    }

    private func measure(_ section: Section, _ links: ToolLinks) async throws -> [Figure] {
        let tools = links.path
        return switch section {
        case .processes: try await ProcessFigures(tools: tools, runs: quick ? 5 : 60).measure()
        case .throughput:
            try await ThroughputFigures(tools: tools, runs: quick ? 1 : 5, share: quick ? 0.02 : 1).measure()
        case .crowds:
            try await CrowdFigures(
                tools: tools,
                runs: quick ? 3 : 40,
                sizes: quick ? [10, 50] : [10, 200, 1000],
                connections: quick ? 256 : 3200
            ).measure()
        case .rest:
            try await RestFigures(
                links: links,
                watch: .seconds(quick ? 2 : 120),
                crowd: quick ? 20 : 500,
                load: quick ? 1000 : 200_000
            ).measure()
        }
    }

    private func grow(_ tools: String, into file: String) async throws {
        let growth = Growth(
            tools: tools,
            sessions: quick ? [1, 10] : [1, 10, 100, 300, 1000],
            messages: quick ? [1000, 2000] : [1000, 10_000, 100_000, 300_000, 1_000_000],
            count: quick ? 1000 : 60_000
        )
        let plot = GrowthPlot(
            alongSessions: try await growth.alongSessions(),
            alongMailbox: try await growth.alongMailbox()
        )
        try File.replace(file, with: plot.svg.utf8)
        var table = Table(header: ["beside", "messages/s", "latency"])
        for (points, what) in [(plot.alongSessions, "sessions"), (plot.alongMailbox, "waiting messages")] {
            for point in points {
                table.add(
                    ["\(point.size) \(what)", Figure.text(point.rate), "\(Figure.text(point.latency)) ms"]
                )
            }
        }
        try StandardStreams.print("\(Machine.description)\n\n\(table.lines.joined(separator: "\n"))")
    }
}
