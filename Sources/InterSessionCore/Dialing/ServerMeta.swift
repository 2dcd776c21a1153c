package import NIOCore
import Platform

/// What a server says of itself in `server.<port>.pid.meta`. One that was killed leaves it behind.
package struct ServerMeta: Sendable {
    package let processID: Int
    package let host: String
    package let port: Int
    package let version: String
    /// The path of its Unix socket, which depends on its environment where that of the data directory is long.
    package let socket: String?
    /// False where another program has the port.
    package let servesTCP: Bool

    package init(processID: Int, host: String, port: Int, version: String, socket: String, servesTCP: Bool) {
        self.processID = processID
        self.host = host
        self.port = port
        self.version = version
        self.socket = socket
        self.servesTCP = servesTCP
    }

    /// - Returns: nil where there is none that can be read.
    package init?(port: Int, in directory: DataDirectory) {
        guard let content = try? File.read(directory.serverMeta(port: port)),
            let object = try? JSONObject(ByteBuffer(bytes: content))
        else { return nil }
        processID = (try? object.integer("pid")) ?? 0
        host = (try? object.string("host")) ?? ""
        self.port = port
        version = (try? object.string("version")) ?? "?"
        socket = try? object.string("socket")
        servesTCP = (try? object.boolean("tcp")) ?? true
    }

    package func encode() -> ByteBuffer {
        JSONWriter.object { json in
            json.field("pid", processID)
            json.field("host", host)
            json.field("port", port)
            json.field("version", version)
            json.field("socket", ifPresent: socket)
            json.field("tcp", servesTCP)
        }
    }
}
