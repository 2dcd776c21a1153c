import ArgumentParser
import InterSessionCore

@main
struct Send: Tool {
    static let purpose = "Send a message to another session, or to all of them."
    static let example = "send --to beta --text 'question: which branch are you on?'"

    @Option(help: ArgumentHelp("Name or session id, or a prefix that fits one session only.", valueName: "target"))
    var to: String?

    @Flag(help: "To every other session.")
    var all = false

    @Option(help: "The message.")
    var text: String?

    @Option(help: ArgumentHelp("A file that holds the message; - is standard input.", valueName: "path"))
    var textFile: String?

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard all != (to != nil) else { throw ValidationError("name one target with --to, or use --all") }
        guard text == nil || textFile == nil else { throw ValidationError("give --text or --text-file, not both") }
        guard to != "" else { throw ValidationError("--to is empty; name a session") }
    }

    func run() async throws {
        let text = try MessageText(argument: text, file: textFile, limit: limit).value
        let frame: ClientFrame = if let to { .send(to: to, text: text) } else { .broadcast(text: text) }
        // The pong comes only when the message is accepted or an error was sent before it.
        _ = try await ControlSession(bus).ask([frame, .ping]) { answer in
            if case .pong = answer { true } else { nil }
        }
        try StandardStreams.print("sent -> \(to ?? "all") (\(text.unicodeScalars.count) chars)")
    }

    private var limit: Int { all ? WireLimits.broadcastText : WireLimits.directText }
}
