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
        try directory.prepareSocketDirectory(port: settings.port)
        do {
            return try UnixSocket.connect(directory.socket(port: settings.port))
        } catch {
            guard error.isNobodyListening || error.isBusy else { throw error }
            return nil
        }
    }
}
