package import Platform

/// Where a server is, or would be.
package struct BusEndpoint: Sendable {
    package let directory: DataDirectory
    package let settings: BusSettings

    package init(directory: DataDirectory, settings: BusSettings) {
        self.directory = directory
        self.settings = settings
    }

    /// Connects to the server that is up.
    ///
    /// Our tools use its Unix socket alone: there each end knows the other's user, and the token stays in its file.
    /// - Returns: nil when none is up, or it has no room for one more connection at this moment.
    /// - Throws: ``PlatformError``.
    package func connectIfUp() throws(PlatformError) -> Descriptor? {
        if directory.hasLongPath(port: settings.port),
            let published = ServerMeta(port: settings.port, in: directory)?.socket,
            let socket = try connectIfUp(published)
        {
            return socket
        }
        try directory.prepareSocketDirectory(port: settings.port)
        return try connectIfUp(directory.socket(port: settings.port))
    }

    private func connectIfUp(_ path: String) throws(PlatformError) -> Descriptor? {
        do {
            return try UnixSocket.connect(path)
        } catch {
            guard error.isNobodyListening || error.isBusy else { throw error }
            return nil
        }
    }
}
