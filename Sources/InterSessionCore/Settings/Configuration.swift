import NIOCore
package import Platform

/// config.json: the plugin's options, written where a monitor, which gets none, can read them; and whom the user trusts.
package struct Configuration: Equatable, Sendable {
    package var port: Int?
    package var idleShutdownMinutes: Int?
    /// Agents outside this bus that the user lets give instructions. Nobody but the user writes them here.
    package var trustedAgents: [AgentName]

    package init(port: Int? = nil, idleShutdownMinutes: Int? = nil, trustedAgents: [AgentName] = []) {
        self.port = port
        self.idleShutdownMinutes = idleShutdownMinutes
        self.trustedAgents = trustedAgents
    }

    /// Reads config.json; a file that is not there configures nothing.
    ///
    /// - Throws: ``SettingsError/unreadableConfiguration(path:reason:)``.
    package static func read(from directory: DataDirectory) throws(SettingsError) -> Configuration {
        do {
            let object = try JSONObject(ByteBuffer(bytes: try File.read(directory.configuration)))
            return Configuration(
                port: try object.integer("port"),
                idleShutdownMinutes: try object.integer("idle_shutdown_minutes"),
                trustedAgents: try (object.strings("trusted_agents") ?? []).map { name throws(WireError) in
                    try AgentName(validating: name)
                }
            )
        } catch let error as PlatformError where error.isMissingFile {
            return Configuration()
        } catch {
            throw .unreadableConfiguration(path: directory.configuration, reason: "\(error)")
        }
    }

    package func write(to directory: DataDirectory) throws(PlatformError) {
        let text = JSONWriter.object { json in
            json.field("port", ifPresent: port)
            json.field("idle_shutdown_minutes", ifPresent: idleShutdownMinutes)
            if !trustedAgents.isEmpty { json.field("trusted_agents", trustedAgents.map(\.rawValue)) }
        }
        try File.replace(directory.configuration, with: text.readableBytesView)
    }
}
