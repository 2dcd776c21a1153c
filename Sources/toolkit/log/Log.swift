import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Log: Tool {
    static let purpose = "Search the messages of the past, newest last."
    static let example = "log --with beta --since 2h --grep 'parser tests'"

    @Option(help: ArgumentHelp("Only what this session sent or received.", valueName: "name"))
    var with: String?

    @Option(help: ArgumentHelp("Only of so long: 30m, 2h, 5d.", valueName: "age"))
    var since: Age?

    @Option(help: ArgumentHelp("Only texts that hold all these words.", valueName: "words"))
    var grep: String?

    @Option(help: ArgumentHelp("At most so many, the newest (default: \(WireLimits.logEntries)).", valueName: "number"))
    var limit: Int?

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard (1...WireLimits.mostLogEntries).contains(limit ?? 1) else {
            throw ValidationError("--limit takes 1 to \(WireLimits.mostLogEntries)")
        }
        guard grep?.allSatisfy(\.isWhitespace) != true else { throw ValidationError("--grep holds no word") }
    }

    func run() async throws {
        let query = ClientFrame.LogQuery(
            with: with,
            since: since.map { (.now() - .seconds($0.seconds)).iso8601 },
            grep: grep,
            limit: limit ?? WireLimits.logEntries
        )
        let messages: [ServerFrame.ArchivedMessage] = try await Observer(bus).ask([.log(query)]) { answer in
            if case .messages(let messages, _, _) = answer { messages } else { nil }
        }
        for message in messages {
            try StandardStreams.print(json ? message.json : LogLine(message).text)
        }
    }
}
