import InterSessionCore

/// Who serves a port, for people and for `doctor`: `server.<port>.pid` and `.pid.meta`.
struct ServerIdentity {
    private let processIDFile: String
    private let metaFile: String
    private let processID = SystemProcess.current

    /// Publishes this process as the server.
    init(publishing endpoint: BusEndpoint) throws {
        processIDFile = endpoint.directory.serverProcessID(port: endpoint.settings.port)
        metaFile = endpoint.directory.serverMeta(port: endpoint.settings.port)
        let processID = Int(processID)
        let meta = JSONWriter.object { json in
            json.field("pid", processID)
            json.field("host", endpoint.settings.host)
            json.field("port", endpoint.settings.port)
            json.field("version", InterSession.version)
        }
        try File.replace(processIDFile, with: "\(processID)\n".utf8)
        try File.replace(metaFile, with: meta.readableBytesView)
    }

    /// Takes the files away, unless a successor has put its own there.
    func withdraw() {
        let text = (try? File.read(processIDFile)).map { String(decoding: $0, as: UTF8.self) }
        guard text == "\(processID)\n" else { return }
        File.remove(metaFile)
        File.remove(processIDFile)
    }
}
