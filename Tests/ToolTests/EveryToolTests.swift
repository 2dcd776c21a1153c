import Foundation
import TestSupport
import Testing

@Suite("every tool")
struct EveryToolTests {
    @Test("explains itself with an example", arguments: BuiltTools.names)
    func help(tool: String) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run(tool, "--help")
            #expect(run.code == 0)
            #expect(run.output.contains("Example:\n  \(tool)"))
            #expect(run.output.contains("USAGE: \(tool)"))
        }
    }

    @Test("answers bad arguments with one line that says what to do, and exit code 64", arguments: BuiltTools.names)
    func badArguments(tool: String) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run(tool, "--no-such-option")
            #expect(run.code == 64 && run.output.isEmpty)
            let lines = run.errors.split(separator: "\n")
            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix("error: ") == true && lines.first?.contains("\(tool) --help") == true)
        }
    }

    @Test("a name that is no tool's is refused with the names that are")
    func unknownName() async throws {
        try await TestBus.with { bus in
            let link = "\(bus.directory)/sned"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: BuiltTools.path("send"))
            let run = try RunningTool(link, ["--to", "beta"], environment: [:], in: bus.directory)
            #expect(try await run.exitCode() == 64)
            #expect(run.errors.contains("'sned'") && run.errors.contains("send, session-start"))
        }
    }

    @Test(
        "refuses a setting that cannot be, wherever it comes from",
        arguments: [
            ["--port", "0"], ["--port", "65536"], ["--host", "10.0.0.1"], ["--host", "example.org"], ["--port", "x"],
        ]
    )
    func badSettings(arguments: [String]) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run("client", arguments, key: 1, input: Data())
            #expect(run.code == 64 && run.errors.split(separator: "\n").count == 1)
            let environment = try bus.start("client", [], environment: ["INTER_SESSION_PORT": "many"])
            #expect(try await environment.exitCode() == 64)
            #expect(environment.errors.contains("INTER_SESSION_PORT is 'many'"))
        }
    }
}
