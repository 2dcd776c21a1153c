import NIOCore

/// config.json: the plugin's options, written where a monitor, which gets none, can read them.
package struct Configuration: Equatable, Sendable {
    package var port: Int?
    package var idleShutdownMinutes: Int?

    package init(port: Int? = nil, idleShutdownMinutes: Int? = nil) {
        self.port = port
        self.idleShutdownMinutes = idleShutdownMinutes
    }

    /// Reads config.json; a file that is not there configures nothing.
    ///
    /// - Throws: ``SettingsError/unreadableConfiguration(path:reason:)``.
    package static func read(from directory: DataDirectory) throws(SettingsError) -> Configuration {
        do {
            let object = try JSONObject(ByteBuffer(bytes: try File.read(directory.configuration)))
            return Configuration(
                port: try object.integer("port"),
                idleShutdownMinutes: try object.integer("idle_shutdown_minutes")
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
        }
        try File.replace(directory.configuration, with: text.readableBytesView)
    }
}
