package import ArgumentParser
package import InterSessionCore
import Platform

/// The options of every tool that finds the bus.
package struct BusOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Loopback address of the bus.", valueName: "address"))
    package var host: String?

    @Option(help: ArgumentHelp("Port of the bus (default: \(BusSettings.defaultPort)).", valueName: "number"))
    package var port: Int?

    package init() {}

    /// The settings with these options on top.
    ///
    /// - Throws: ``SettingsError``.
    package func settings(_ directory: DataDirectory, idleShutdownMinutes: Int? = nil) throws -> BusSettings {
        try BusSettings(
            host: host,
            port: port,
            idleShutdownMinutes: idleShutdownMinutes,
            environment: { Environment[$0] },
            configuration: Configuration.read(from: directory)
        )
    }
}

extension ControlSession {
    /// Acts for this Claude Code session, where a client of it is on a bus.
    ///
    /// - Throws: ``BusError/notConnected`` when there is none, ``SettingsError``, ``PlatformError``.
    package init(_ options: BusOptions) throws {
        let directory = try DataDirectory.current()
        guard let session = try SessionState.ofLiveClient(try SessionKey.current(), in: directory) else {
            throw BusError.notConnected
        }
        var settings = try options.settings(directory)
        // The bus that the session is on, unless the command line names another.
        if options.port == nil { settings.port = session.port }
        self.init(session, endpoint: BusEndpoint(directory: directory, settings: settings))
    }
}

extension Observer {
    /// - Throws: ``SettingsError``, ``PlatformError``.
    package init(_ options: BusOptions) throws {
        let directory = try DataDirectory.current()
        var settings = try options.settings(directory)
        // The bus that this session is on, if it is on one.
        if options.port == nil, let session = SessionState.read(try SessionKey.current(), in: directory) {
            settings.port = session.port
        }
        try directory.prepare()
        self.init(endpoint: BusEndpoint(directory: directory, settings: settings))
    }
}

extension Age: ExpressibleByArgument {}
