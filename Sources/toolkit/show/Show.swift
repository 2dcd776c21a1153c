import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Show: Tool {
    static let purpose = "Print the whole text of a message, byte for byte."
    static let example = "show hocq4p1vb7"

    @Argument(help: ArgumentHelp("The id behind msg= in a notification.", valueName: "id"))
    var id: String

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard MessageID(id) != nil else {
            throw ValidationError("'\(id)' is no message id; copy the \(MessageID.length) characters behind msg=")
        }
    }

    func run() async throws {
        let text: String? = try await Observer(bus).ask([.show(messageID: id)]) { answer in
            if case .messages(let messages, _, _) = answer { .some(messages.first?.message.text) } else { nil }
        }
        try StandardStreams.write(text ?? "")
    }
}
