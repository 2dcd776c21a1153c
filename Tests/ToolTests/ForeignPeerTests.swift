import Foundation
import TestSupport
import Testing

@Suite("a client in another language")
struct ForeignPeerTests {
    /// The first Python that has the package.
    private static func python(with package: String) -> String? {
        ["python3", "/usr/bin/python3"].first { python in
            let probe = Process()
            probe.executableURL = URL(filePath: "/usr/bin/env")
            probe.arguments = [python, "-c", "import \(package)"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }
    }

    private static let isCI = ProcessInfo.processInfo.environment["CI"] != nil
    private static let python = python(with: "websockets")
    private static let pythonWithSchemas = python(with: "jsonschema")

    @Test(
        "does everything in the protocol, and gets every error for its cause (needs python3 with websockets)",
        .enabled(
            if: python != nil || isCI,
            "python3 with the package websockets is not installed"
        ),
        arguments: [("protocol_peer.py", 34), ("feature_peer.py", 27), ("abuse_peer.py", 9)]
    )
    func everything(script: String, checks: Int) async throws {
        let python = try #require(Self.python, "CI must have python3 with websockets")
        try await TestBus.with { bus in
            let limit = ["INTER_SESSION_PAIR_LIMIT": script == "feature_peer.py" ? "20" : "0"]
            let server = try bus.start("server", ["--idle-shutdown-minutes", "0"], environment: limit)
            defer { server.signal(SIGTERM) }
            try await eventually("the server") {
                bus.serverProcessID != nil && server.errors.contains("serving") ? () : nil
            }
            let path = BuiltTools.packageRoot.appending(path: "Tests/ToolTests/Peer/\(script)").path
            let peer = try RunningTool(
                "/usr/bin/env",
                [python, "-B", path, "\(bus.port)", bus.data],
                environment: ProcessInfo.processInfo.environment.merging(limit) { $1 },
                in: bus.directory
            )
            let code = try await peer.exitCode(within: .seconds(180))
            let failures = peer.lines.filter { $0.hasPrefix("FAIL") }
            #expect(code == 0 && failures.isEmpty, "\(failures.joined(separator: "\n"))\(peer.errors.suffix(2000))")
            #expect(peer.lines.filter { $0.hasPrefix("ok ") }.count >= checks)
        }
    }

    @Test(
        "is the wire of a gateway, and makes and reads the same envelopes (needs python3 with jsonschema)",
        .enabled(
            if: pythonWithSchemas != nil || isCI,
            "python3 with the package jsonschema is not installed"
        )
    )
    func wire() async throws {
        let python = try #require(Self.pythonWithSchemas, "CI must have python3 with jsonschema")
        try await TestBus.with { bus in
            for key in 1...2 { _ = try await bus.connect("claude-\(key)", key: key) }
            let root = BuiltTools.packageRoot
            let peer = try RunningTool(
                "/usr/bin/env",
                [
                    python, "-B", root.appending(path: "Tests/ToolTests/Peer/wire_peer.py").path,
                    BuiltTools.directory.path, root.appending(path: "docs/session-envelope.schema.json").path,
                ],
                environment: bus.environment(key: 1),
                in: bus.directory
            )
            let code = try await peer.exitCode(within: .seconds(180))
            let failures = peer.lines.filter { $0.hasPrefix("FAIL") }
            #expect(code == 0 && failures.isEmpty, "\(failures.joined(separator: "\n"))\(peer.errors.suffix(2000))")
            #expect(peer.lines.filter { $0.hasPrefix("ok ") }.count >= 15)
        }
    }
}
