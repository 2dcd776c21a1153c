import InterSessionCore

/// The plugin's options, which hooks get in their environment and monitors do not.
struct PluginOptions {
    private let configuration: Configuration

    /// - Throws: `SettingsError` for an option that the bus could not use.
    init(environment: (String) -> String?) throws(SettingsError) {
        configuration = Configuration(
            port: try Self.number("CLAUDE_PLUGIN_OPTION_PORT", environment, BusSettings.ports, "from 1 to 65535"),
            idleShutdownMinutes: try Self.number(
                "CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES",
                environment,
                BusSettings.idleMinutes,
                "of minutes, 0 for never"
            )
        )
    }

    /// Writes config.json, where it says something else.
    func save(in directory: DataDirectory) throws {
        let saved = try? Configuration.read(from: directory)
        // Without options there is nothing to say, and no file to make.
        guard saved != configuration, saved != nil || configuration != Configuration() else { return }
        try configuration.write(to: directory)
    }

    /// Options are of the type number, which may be written with a fraction of zero.
    private static func number(
        _ name: String,
        _ environment: (String) -> String?,
        _ range: ClosedRange<Int>,
        _ allowed: String
    ) throws(SettingsError) -> Int? {
        guard let text = environment(name) else { return nil }
        guard let value = Double(text).flatMap({ Int(exactly: $0) }), range.contains(value) else {
            throw .notANumber(source: name, value: text, allowed: allowed)
        }
        return value
    }
}
