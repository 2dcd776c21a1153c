import Foundation
import TestSupport
import Testing

@Suite("a client in another language")
struct ForeignPeerTests {
    /// The first Python that has the `websockets` package.
    private static let python: String? = ["python3", "/usr/bin/python3"].first { python in
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/env")
        probe.arguments = [python, "-c", "import websockets"]
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return false }
        probe.waitUntilExit()
        return probe.terminationStatus == 0
    }

    @Test(
        "does everything in the protocol, and gets every error for its cause (needs python3 with websockets)",
        .enabled(
            if: python != nil || ProcessInfo.processInfo.environment["CI"] != nil,
            "python3 with the package websockets is not installed"
        ),
        arguments: [("protocol_peer.py", 34), ("feature_peer.py", 27)]
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
}
