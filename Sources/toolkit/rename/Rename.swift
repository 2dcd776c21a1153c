import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Rename: Tool {
    static let purpose = "Give this session another name; its mail comes along."
    static let example = "rename payments-api"

    /// The session's client hears of its name a moment after we do.
    private static let patience: Duration = .seconds(2)

    @Argument(help: ArgumentHelp("1 to 40 of a-z, 0-9 and -.", valueName: "name"))
    var name: String

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let name = try SessionName(validating: name).rawValue
        _ = try await ControlSession(bus).ask([.rename(name: name)]) { answer in
            if case .renamed(nil, _, _) = answer { true } else { nil }
        }
        // The tools of this session read the client's file: it must have the new name before we say so.
        let directory = try DataDirectory.current()
        let key = try SessionKey.current()
        let giveUp = ContinuousClock.now + Self.patience
        while SessionState.read(key, in: directory)?.name != name, .now < giveUp {
            try await pause(.milliseconds(5))
        }
        try StandardStreams.print("renamed to '\(name)'")
    }
}
