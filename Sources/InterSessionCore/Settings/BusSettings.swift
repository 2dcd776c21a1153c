/// Where the bus is and how long an idle server stays.
///
/// Highest first: the command line, the plugin's options, `INTER_SESSION_…`, config.json, the defaults.
package struct BusSettings: Equatable, Sendable {
    package static let defaultPort = 9473
    package static let defaultIdleMinutes = 10
    package static let ports = 1...65535
    package static let idleMinutes = 0...525_600

    package var host = "127.0.0.1"
    package var port = Self.defaultPort
    /// Minutes without a connection after which the server leaves; 0 is never.
    package var idleShutdownMinutes = Self.defaultIdleMinutes

    /// - Parameters:
    ///   - host: from the command line, as are the port and the minutes; nil where it does not say.
    ///   - environment: looks a variable up; nil when it is unset or empty.
    ///   - configuration: the text of config.json, nil when there is none.
    /// - Throws: ``SettingsError`` for the setting that wins, so that a bad one never falls back silently.
    package init(
        host: String? = nil,
        port: Int? = nil,
        idleShutdownMinutes: Int? = nil,
        environment: (String) -> String?,
        configuration: Configuration = Configuration()
    ) throws(SettingsError) {
        self.host = try Self.loopback(host ?? environment("INTER_SESSION_HOST") ?? "127.0.0.1")
        self.port = try Self.pick(
            port,
            environment,
            ["CLAUDE_PLUGIN_OPTION_PORT", "INTER_SESSION_PORT"],
            configuration.port,
            Self.defaultPort,
            Self.ports,
            "from 1 to 65535",
            option: "--port"
        )
        self.idleShutdownMinutes = try Self.pick(
            idleShutdownMinutes,
            environment,
            ["CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES", "INTER_SESSION_IDLE_MINUTES"],
            configuration.idleShutdownMinutes,
            Self.defaultIdleMinutes,
            Self.idleMinutes,
            "of minutes, 0 for never",
            option: "--idle-shutdown-minutes"
        )
    }

    private static func pick(
        _ argument: Int?,
        _ environment: (String) -> String?,
        _ variables: [String],
        _ configured: Int?,
        _ fallback: Int,
        _ range: ClosedRange<Int>,
        _ allowed: String,
        option: String
    ) throws(SettingsError) -> Int {
        func check(_ value: Int, _ source: String) throws(SettingsError) -> Int {
            guard range.contains(value) else {
                throw .notANumber(source: source, value: "\(value)", allowed: allowed)
            }
            return value
        }
        if let argument { return try check(argument, option) }
        for variable in variables {
            guard let text = environment(variable) else { continue }
            guard let value = Int(text) else { throw .notANumber(source: variable, value: text, allowed: allowed) }
            return try check(value, variable)
        }
        if let configured { return try check(configured, "config.json") }
        return fallback
    }

    /// The address itself: resolving a name could lead anywhere.
    private static func loopback(_ host: String) throws(SettingsError) -> String {
        if host == "localhost" { return "127.0.0.1" }
        guard LoopbackHost.isLoopbackAddress(host) else { throw .notLoopback(host: host) }
        return host
    }
}
