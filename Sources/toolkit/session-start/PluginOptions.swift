import InterSessionCore

/// The plugin's options, which hooks get in their environment and monitors do not.
struct PluginOptions {
    /// The options that the bus could not use; the others count none the less.
    private(set) var problems: [SettingsError] = []
    private var port: Int?
    private var idleShutdownMinutes: Int?

    init(environment: (String) -> String?) {
        port = number("CLAUDE_PLUGIN_OPTION_PORT", environment, BusSettings.ports, "from 1 to 65535")
        idleShutdownMinutes = number(
            "CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES",
            environment,
            BusSettings.idleMinutes,
            "of minutes, 0 for never"
        )
    }

    /// Writes config.json, where it says something else. What no option names stays as it is: it may be the user's own.
    func save(in directory: DataDirectory) throws {
        // One that cannot be read is replaced once there is something to say.
        var configuration = (try? Configuration.read(from: directory)) ?? Configuration()
        let saved = configuration
        configuration.port = port ?? configuration.port
        configuration.idleShutdownMinutes = idleShutdownMinutes ?? configuration.idleShutdownMinutes
        if configuration != saved { try configuration.write(to: directory) }
    }

    /// Options are of the type number, which may be written with a fraction of zero.
    private mutating func number(
        _ name: String,
        _ environment: (String) -> String?,
        _ range: ClosedRange<Int>,
        _ allowed: String
    ) -> Int? {
        guard let text = environment(name) else { return nil }
        guard let value = Double(text).flatMap({ Int(exactly: $0) }), range.contains(value) else {
            problems.append(.notANumber(source: name, value: text, allowed: allowed))
            return nil
        }
        return value
    }
}
