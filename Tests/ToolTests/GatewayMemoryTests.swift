import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

/// What a gateway takes of the machine.
@Suite("memory of gateways")
struct GatewayMemoryTests {
    @Test(
        "twelve messages of 10 MiB that the wire does not answer take 64 MiB, and go on when it does (needs Linux's /proc)",
        .needs(.proc)
    )
    func unanswered() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("claude-1", key: 1)
            let pipe = "\(bus.directory)/wire"
            try #require(mkfifo(pipe, 0o600) == 0)
            let gateway = try RunningTool(
                "/bin/sh",
                ["-c", #"exec "$0" --agent a --transport stdio <>"$1""#, BuiltTools.path("gateway"), pipe],
                environment: bus.environment(key: 9),
                in: bus.directory
            )
            defer { gateway.signal(SIGKILL) }
            let wire = try #require(FileHandle(forUpdatingAtPath: pipe))
            try wire.write(contentsOf: Data(#"{"op":"agents","names":["b"]}\#n"#.utf8))
            _ = try await eventually("'b' to be known") {
                try await bus.run("whoami", "--json", key: 1).output.contains(#""agents":["b"]"#) ? () : nil
            }
            let texts = (0..<12).map { "m\($0)." + String(repeating: "x", count: 10 * 1024 * 1024 - 8) }
            for text in texts { #expect(try await bus.run("send", "--to", "@b", key: 1, input: text).code == 0) }
            let meter = ProcessMeter(gateway.processID)
            var memory = try #require(meter.memory)
            let most = 64 * 1024 * 1024
            var highest = memory
            // It may give back what it took for writing.
            _ = try? await eventually("it to settle", within: .seconds(5)) {
                memory = try #require(meter.memory)
                highest = max(highest, memory)
                return nil as Void?
            }
            print("a gateway with 12 unanswered messages of 10 MiB: \(memory / 1024) KiB, \(highest / 1024) at most")
            #expect(highest < most)
            // The wire answers at last: whatever was said to it, until all is forwarded.
            let log = try await bus.run("log", "--json", key: 1).output
            let ids = log.matches(of: /"msg_id":"(\w+)"/).map { String($0.1) }
            #expect(ids.count == 12)
            _ = try await eventually("all to be forwarded", within: .seconds(60)) {
                for id in ids { try wire.write(contentsOf: Data("{\"op\":\"sent\",\"id\":\"\(id)\"}\n".utf8)) }
                let states = try await bus.run("log", "--json", key: 1).output.matches(of: /"state":"(\w+)"/)
                return states.count == 12 && states.allSatisfy { $0.1 == "forwarded" } ? () : nil
            }
        }
    }
}
