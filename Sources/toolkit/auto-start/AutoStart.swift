import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct AutoStart: Tool {
    static let purpose = "Choose whether every Claude Code session joins the bus by itself."
    static let example = "auto-start --on"

    enum Action: String, EnumerableFlag {
        case status, on, off

        static func help(for action: Action) -> ArgumentHelp? {
            switch action {
            case .status: "Say whether it is on."
            case .on: "Join when a session opens."
            case .off: "Join when /inter-session is first used (the default)."
            }
        }
    }

    @Flag var action: Action

    func run() throws {
        guard let file = try MonitorsFile.find() else {
            try StandardStreams.print(
                "nothing to toggle: this is not a plugin install, which has a monitors/monitors.json; "
                    + "use /inter-session connect in each session"
            )
            return
        }
        switch action {
        case .status: try StandardStreams.print("auto-start is \(file.isOn ? "on" : "off")")
        case .on: try set(true, in: file)
        case .off: try set(false, in: file)
        }
    }

    private func set(_ isOn: Bool, in file: MonitorsFile) throws {
        let word = isOn ? "on" : "off"
        guard file.isOn != isOn else {
            try StandardStreams.print("auto-start is \(word) already")
            return
        }
        try file.write(isOn: isOn)
        try StandardStreams.print("auto-start is \(word) now; run /reload-plugins, or open a new session")
    }
}
