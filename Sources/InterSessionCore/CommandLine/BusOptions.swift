package import ArgumentParser

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

extension SettingsError: ToolError {
    package var exitCode: ExitCode { .usage }
}

extension PlatformError: ToolError {
    package var exitCode: ExitCode { .refused }
}

/// What the bus would refuse is a bad argument before it is sent.
extension WireError: ToolError {
    package var description: String { "\(code): \(message)" }
    package var exitCode: ExitCode { .usage }
}
