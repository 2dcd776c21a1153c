import InterSessionCore
import Platform

/// Who serves a port, for people and for `doctor`: `server.<port>.pid` and `.pid.meta`.
struct ServerIdentity {
    private let endpoint: BusEndpoint
    private let processID = SystemProcess.current

    private var processIDFile: String { endpoint.directory.serverProcessID(port: endpoint.settings.port) }
    private var metaFile: String { endpoint.directory.serverMeta(port: endpoint.settings.port) }

    /// Publishes this process as the server.
    init(publishing endpoint: BusEndpoint) throws(PlatformError) {
        self.endpoint = endpoint
        try File.replace(processIDFile, with: "\(processID)\n".utf8)
        try publish(servesTCP: true)
    }

    /// - Parameter servesTCP: false where another program has the port.
    func publish(servesTCP: Bool) throws(PlatformError) {
        let meta = ServerMeta(
            processID: Int(processID),
            host: endpoint.settings.host,
            port: endpoint.settings.port,
            version: InterSession.version,
            socket: endpoint.directory.socket(port: endpoint.settings.port),
            servesTCP: servesTCP
        )
        try File.replace(metaFile, with: meta.encode().readableBytesView)
    }

    /// Takes the files away, unless a successor has put its own there.
    func withdraw() {
        let text = (try? File.read(processIDFile)).map { String(decoding: $0, as: UTF8.self) }
        guard text == "\(processID)\n" else { return }
        File.remove(metaFile)
        File.remove(processIDFile)
    }
}
