import Foundation
import TestSupport
import Testing

@Suite("session-start")
struct SessionStartTests {
    private func run(_ bus: TestBus, _ environment: [String: String]) async throws -> (context: String, code: Int32) {
        let tool = try bus.start("session-start", [], input: Data("{}".utf8), environment: environment)
        let code = try await tool.exitCode()
        let output = try JSONSerialization.jsonObject(with: Data(tool.output.utf8)) as? [String: [String: String]]
        #expect(output?["hookSpecificOutput"]?["hookEventName"] == "SessionStart")
        return (output?["hookSpecificOutput"]?["additionalContext"] ?? "", code)
    }

    @Test("the plugin's options become config.json, which the other tools read")
    func options() async throws {
        try await TestBus.with { bus in
            let options = [
                "CLAUDE_PLUGIN_OPTION_PORT": "\(bus.port).0", "CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES": "3",
            ]
            let (context, code) = try await run(bus, options)
            #expect(code == 0 && context.contains("/inter-session"))
            #expect(bus.file("config.json") == #"{"port":\#(bus.port),"idle_shutdown_minutes":3}"#)
            let client = try bus.start("client", ["--name", "alpha"], environment: ["INTER_SESSION_PORT": ""])
            try await client.line(containing: "connected as")
            #expect(try await bus.run("list", "--self").output.contains("port=\(bus.port)\n"))
            #expect(try await run(bus, options).context.contains("on the inter-session bus as 'alpha'"))
        }
    }

    @Test(
        "a bad option is said where the agent reads it, and the other is written",
        arguments: ["many", "0", "65536", "9473.5", "nan", "1e400"]
    )
    func badOption(port: String) async throws {
        try await TestBus.with { bus in
            let (context, code) = try await run(bus, ["CLAUDE_PLUGIN_OPTION_PORT": port])
            #expect(code == 0 && context.contains("CLAUDE_PLUGIN_OPTION_PORT is '\(port)'"))
            #expect(bus.file("config.json").isEmpty)
            let options = [
                "CLAUDE_PLUGIN_OPTION_PORT": port, "CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES": "3",
            ]
            #expect(try await run(bus, options).context.contains("CLAUDE_PLUGIN_OPTION_PORT is '\(port)'"))
            #expect(bus.file("config.json") == #"{"idle_shutdown_minutes":3}"#)
        }
    }

    @Test("what no option names stays in config.json, and an empty option names nothing")
    func keptValues() async throws {
        try await TestBus.with { bus in
            let before = #"{ "port": 9500, "idle_shutdown_minutes": 7 }"#
            try FileManager.default.createDirectory(atPath: bus.data, withIntermediateDirectories: true)
            try before.write(toFile: "\(bus.data)/config.json", atomically: false, encoding: .utf8)
            #expect(try await run(bus, ["CLAUDE_PLUGIN_OPTION_PORT": ""]).code == 0)
            #expect(bus.file("config.json") == before)
            #expect(try await run(bus, ["CLAUDE_PLUGIN_OPTION_PORT": "9500.0"]).code == 0)
            #expect(bus.file("config.json") == before, "nothing changed, nothing is written")
            #expect(try await run(bus, ["CLAUDE_PLUGIN_OPTION_IDLE_SHUTDOWN_MINUTES": "0"]).code == 0)
            #expect(bus.file("config.json") == #"{"port":9500,"idle_shutdown_minutes":0}"#)
        }
    }
}
