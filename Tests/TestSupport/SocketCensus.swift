import Foundation
import InterSessionCore
import Platform

/// Who is connected to a Unix socket, as the system counts them: also those that its server has not accepted yet.
package enum SocketCensus {
    /// - Parameter name: the last part of the socket's path.
    package static func connections(to name: String) throws -> Int {
        #if os(Linux)
            // A line for each socket. The server's end of a connection has the path that it came to, accepted (03) or not yet
            // (02); 01 is the socket that listens.
            let table = String(decoding: try File.readAny("/proc/net/unix", limit: 1 << 24), as: UTF8.self)
            return table.split(separator: "\n").count { line in
                line.hasSuffix("/\(name)") && line.split(separator: " ").dropFirst(5).first != "01"
            }
        #else
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(filePath: "/usr/sbin/lsof")
            process.arguments = ["-U", "-a", "-c", "send"]
            process.standardOutput = output
            try process.run()
            let table = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return table.split(separator: "\n").count { $0.contains("->") }
        #endif
    }
}
