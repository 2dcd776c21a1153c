import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

@Suite("doctor")
struct DoctorTests {
    private func lines(_ bus: TestBus, _ level: String) async throws -> [Substring] {
        let run = try await bus.run("doctor", key: 1)
        #expect(run.errors.isEmpty && (run.code == 0) == !run.output.contains("\nerror "), "\(run.output)\(run.errors)")
        return run.output.split(separator: "\n").filter { $0.hasPrefix(level) }
    }

    @Test("a bus that works has no errors, and each line says what was looked at")
    func healthy() async throws {
        try await TestBus.with { bus in
            #expect(try await lines(bus, "error").isEmpty, "nothing has been started")
            _ = try await bus.connect("alpha", key: 1)
            #expect(try await lines(bus, "error").isEmpty)
            let good = try await lines(bus, "ok").joined(separator: "\n")
            for subject in [
                "program", "plugin", "skill", "launcher", "monitor", "config.json", "settings", "open files", "clock",
                "data directory", "files", "token", "disk", "server", "server version", "socket", "server.log",
                "this session",
            ] {
                #expect(good.contains(" \(subject): "), "\(subject)")
            }
            let object = try JSONObject(try await bus.run("doctor", "--json", key: 1).output)
            #expect(try object.boolean("ok") == true && object.string("version") == InterSession.version)
            #expect(try object.objects("findings")?.allSatisfy { try $0.string("level") != nil } == true)
        }
    }

    @Test("another program on the port, a stopped server, a link, a bad setting: each is named with the way out")
    func trouble() async throws {
        try await TestBus.with { bus in
            let other = try RunningTool(
                "/usr/bin/env",
                ["python3", "-m", "http.server", "\(bus.port)", "--bind", "127.0.0.1"],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            try FileManager.default.createDirectory(atPath: bus.data, withIntermediateDirectories: true)
            _ = try await eventually("the port to be taken") { FreePort.isTaken(bus.port) ? () : nil }
            #expect(try await lines(bus, "error").first?.contains("another program listens on port") == true)
            other.signal(SIGKILL)
            try await other.exitCode()

            _ = try await bus.connect("alpha", key: 1)
            let server = try #require(bus.serverProcessID)
            kill(server, SIGSTOP)
            #expect(try await lines(bus, "error").first?.contains("gives no answer") == true)
            kill(server, SIGCONT)
            #expect(try await lines(bus, "error").isEmpty)

            try FileManager.default.createSymbolicLink(
                atPath: "\(bus.data)/clients/7.session",
                withDestinationPath: "/etc/passwd"
            )
            #expect(try await lines(bus, "error").first?.contains("links are not followed") == true)
            try FileManager.default.removeItem(atPath: "\(bus.data)/clients/7.session")
            try Data("{}".utf8).write(to: URL(filePath: "\(bus.data)/clients/7.session"))
            let warnings = try await lines(bus, "warning").joined()
            #expect(
                warnings.contains("states of clients that are gone: 7.session")
                    && warnings.contains("open to other users")
            )

            try Data(#"{"trusted_agents":[1]}"#.utf8).write(to: URL(filePath: "\(bus.data)/config.json"))
            #expect(try await lines(bus, "error").contains { $0.contains("config.json") })
        }
    }
}
