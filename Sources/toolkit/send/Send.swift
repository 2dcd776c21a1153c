import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Send: Tool {
    static let purpose = "Send a message, which comes on standard input, to another session, or to all of them."
    static let example = "send --to beta --wait 60 < question.txt"

    /// How long the receiver may take to print it before the message counts as delivered only.
    private static let receiptWithin = 150

    @Option(help: ArgumentHelp("Name or session id, or a prefix that fits one session only.", valueName: "target"))
    var to: String?

    @Flag(help: "To every other session.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "The message, where other users of this machine may read it: ps shows them arguments, not standard input."
        )
    )
    var text: String?

    @Option(help: ArgumentHelp("A file that holds the message; - is standard input, as is none.", valueName: "path"))
    var textFile: String?

    @Option(help: ArgumentHelp("The message that this one answers.", valueName: "id"))
    var re: String?

    @Option(help: ArgumentHelp("Wait so long for the answer, and print it alone.", valueName: "seconds"))
    var wait: Int?

    @Flag(help: "Fail when the session is offline; otherwise the message waits for it.")
    var noHold = false

    @Flag(help: "Mark the message as a program's answer, which no program should answer.")
    var auto = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard all != (to != nil) else { throw ValidationError("name one target with --to, or use --all") }
        guard text == nil || textFile == nil else { throw ValidationError("give --text or --text-file, not both") }
        guard to != "" else { throw ValidationError("--to is empty; name a session") }
        guard re.map({ MessageID($0) != nil }) ?? true else {
            throw ValidationError("--re is '\(re ?? "")', which is no message id; copy the one behind msg=")
        }
        guard wait == nil || !all else { throw ValidationError("--wait needs one receiver; use it with --to") }
        guard (1...86_400).contains(wait ?? 1) else { throw ValidationError("--wait takes 1 to 86400 seconds") }
    }

    func run() async throws {
        let text = try MessageText(argument: text, file: textFile, limit: limit).value
        var message = ClientFrame.Outgoing(text, inReplyTo: re, isAutomatic: auto)
        message.key = Secret.hexadecimal(bytes: 16)
        var features: Features = [.receipts, .replies, .keys]
        if !noHold { features.insert(.hold) }
        guard let to else {
            return try report(try await send(.broadcast(message), features))
        }
        if let wait {
            message.awaitsAnswer = true
            return try await Question(message, to: to, features, seconds: wait, asJSON: json).ask(ControlSession(bus))
        }
        message.receiptWithin = Self.receiptWithin
        try report(try await send(.send(to: to, message), features))
    }

    private func send(_ frame: ClientFrame, _ features: Features) async throws -> ServerFrame.Sent {
        // With its key it can be said again when the server dies before it answers.
        do {
            return try await ControlSession(bus).ask([frame], features: features, isRepeatable: true) { answer in
                if case .sent(let sent) = answer { sent } else { nil }
            }
        } catch let error as BusError {
            throw Failure(error) ?? error
        }
    }

    private func report(_ sent: ServerFrame.Sent) throws {
        guard json else { return try StandardStreams.print("sent -> \(sent.to ?? "all") (\(SentState(sent)))") }
        try StandardStreams.print(String(buffer: JSONWriter.object { sent.writeFields(to: &$0) }))
    }

    private var limit: Int { all ? WireLimits.broadcastText : WireLimits.directText }
}

extension Send {
    /// The server has read the message, perhaps, and did not say what has become of it.
    struct Failure: Error, Equatable, ToolError {
        /// - Returns: nil where the message was surely not accepted.
        init?(_ error: BusError) {
            guard error == .noAnswer else { return nil }
        }

        var description: String {
            "the server gave no answer in time; the message may be delivered later: look with 'log' before you send it again"
        }

        var exitCode: ExitCode { .unreachable }
    }
}
