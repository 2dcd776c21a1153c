import Foundation
import TestSupport
import Testing

/// The checks of the peers in Python, as each says itself which it runs.
enum PeerChecks {
    static let scripts = ["protocol_peer.py", "feature_peer.py", "abuse_peer.py", "wire_peer.py"]

    static func of(_ script: String) throws -> Set<String> {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-B", BuiltTools.packageRoot.appending(path: "Tests/ToolTests/Peer/\(script)").path, "--list",
        ]
        process.standardOutput = output
        try process.run()
        let names = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(script) does not say what it checks")
        let checks = Set(names.split(separator: "\n").map(String.init))
        try #require(checks.count > 5)
        return checks
    }
}
