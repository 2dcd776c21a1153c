import Foundation
import TestSupport
import Testing

@Suite("a client in another language")
struct ForeignPeerTests {
    @Test(
        "does everything in the protocol, and gets every error for its cause (needs python3 with websockets)",
        .needs(.websockets),
        arguments: ["protocol_peer.py", "feature_peer.py", "abuse_peer.py"]
    )
    func everything(script: String) async throws {
        let python = try #require(Need.Places.pythonWithWebsockets)
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
                [python, "-B", path, "\(bus.port)", bus.data, server.errorPath],
                environment: ProcessInfo.processInfo.environment.merging(limit) { $1 },
                in: bus.directory
            )
            let code = try await peer.exitCode(within: .seconds(180))
            let failures = peer.lines.filter { $0.hasPrefix("FAIL") }
            #expect(code == 0 && failures.isEmpty, "\(failures.joined(separator: "\n"))\(peer.errors.suffix(2000))")
            let checks = try PeerChecks.of(script)
            #expect(Set(peer.lines.filter { $0.hasPrefix("ok ") }.map { String($0.dropFirst(3)) }) == checks)
        }
    }

    @Test(
        "is the wire of a gateway, and makes and reads the same envelopes (needs python3 with jsonschema)",
        .needs(.jsonschema)
    )
    func wire() async throws {
        let python = try #require(Need.Places.pythonWithSchemas)
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
            let checks = try PeerChecks.of("wire_peer.py")
            #expect(Set(peer.lines.filter { $0.hasPrefix("ok ") }.map { String($0.dropFirst(3)) }) == checks)
        }
    }
}
