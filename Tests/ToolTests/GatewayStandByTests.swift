import Foundation
import InterSessionCore
import TestSupport
import Testing

/// An agent has one gateway, and as many that would be it as were started.
@Suite("gateways that stand by")
struct GatewayStandByTests {
    private func start(_ bus: TestBus, _ spool: String, _ arguments: String...) throws -> RunningTool {
        try bus.start("gateway", ["--agent", "a", "--transport", "spool:\(spool)"] + arguments, key: 9)
    }

    private func owners(_ gateways: [RunningTool]) -> [RunningTool] {
        gateways.filter { $0.isRunning && $0.output.contains("gateway of 'a' is up") }
    }

    @Test("of three gateways that start at once one is the owner; the others say who it is, and one of them takes over")
    func takesOver() async throws {
        try await TestBus.withPair { a, b, spool in
            let receiver = try await a.connect("claude-1", key: 1)
            _ = try await b.connect("claude-1", key: 1)
            var gateways = try (0..<3).map { _ in try start(a, spool) }
            for _ in 1...2 {
                let owner = try await eventually("one owner") {
                    let owners = self.owners(gateways)
                    let others = gateways.filter { $0.output.contains("standing by") && !$0.output.contains("is up") }
                    return owners.count == 1 && others.count == gateways.count - 1 ? owners[0] : nil
                }
                for other in gateways where other !== owner {
                    #expect(other.isRunning && other.output.contains("a gateway of 'a' is running already"))
                }
                owner.signal(SIGKILL)
                try await owner.exitCode()
                gateways.removeAll { $0 === owner }
            }
            let last = try await eventually("the last one to take over") { self.owners(gateways).first }
            let late = try start(a, spool)
            try await late.line(containing: "running already (pid \(last.processID), spool:")
            // It works, and does not only say so.
            let other = try b.start("gateway", "--agent", "b", "--transport", "spool:\(spool)", key: 9)
            try await other.line(containing: "is up")
            _ = try await eventually("'a' to be known") {
                try await b.run("whoami", "--json", key: 1).output.contains(#""agents":["a"]"#) ? () : nil
            }
            _ = try await b.run("send", "--to", "@a", "--text", "through", key: 1)
            try await receiver.line(containing: "through")
            // A signal ends one that stands by.
            late.signal(SIGTERM)
            #expect(try await late.exitCode() == 0)
            #expect(last.isRunning)
        }
    }

    @Test("when the owner leaves because nobody is there, the others leave too, but for one that is to stay")
    func leaveTogether() async throws {
        try await TestBus.withPair { a, _, spool in
            let session = try await a.connect("claude-1", key: 1)
            let owner = try start(a, spool, "--idle-seconds", "1")
            try await owner.line(containing: "is up")
            let others = try (0..<3).map { _ in try start(a, spool, "--idle-seconds", "30") }
            for other in others { try await other.line(containing: "standing by") }
            session.signal(SIGTERM)
            #expect(try await owner.exitCode() == 0)
            for other in others {
                let run = try await other.finished()
                #expect(run.code == 0 && run.output.contains("has left: no session was here for 1 s; leaving, too"))
                #expect(!run.output.contains("is up"))
            }
            // Its word is not for those who come later.
            let next = try start(a, spool, "--idle-seconds", "1")
            try await next.line(containing: "is up")
            let stays = try start(a, spool, "--idle-seconds", "0")
            try await stays.line(containing: "standing by")
            #expect(try await next.exitCode() == 0)
            try await stays.line(containing: "is up")
        }
    }

    @Test("the end of its input ends one that stands by; one that takes over reads what was said to it before")
    func standardInput() async throws {
        try await TestBus.withPair { a, _, spool in
            let receiver = try await a.connect("claude-1", key: 1)
            let owner = try start(a, spool)
            try await owner.line(containing: "is up")
            var wires: [RunningTool] = []
            var inputs: [FileHandle] = []
            for number in 1...2 {
                let pipe = "\(a.directory)/wire-\(number)"
                try #require(mkfifo(pipe, 0o600) == 0)
                wires.append(
                    try RunningTool(
                        "/bin/sh",
                        ["-c", #"exec "$0" --agent a --transport stdio <"$1""#, BuiltTools.path("gateway"), pipe],
                        environment: a.environment(key: 9),
                        in: a.directory
                    )
                )
                inputs.append(try #require(FileHandle(forWritingAtPath: pipe)))
            }
            defer { for wire in wires { wire.signal(SIGKILL) } }
            for (wire, input) in zip(wires, inputs) {
                _ = try await eventually("it to stand by") { wire.errors.contains("standing by") ? () : nil }
                try input.write(contentsOf: Data(#"{"op":"deliver","id":"1","from":"b","body":"early"}\#n"#.utf8))
            }
            try inputs[0].close()
            #expect(try await wires[0].exitCode() == 0)
            #expect(wires[1].isRunning && owner.isRunning && wires[0].output.isEmpty)
            owner.signal(SIGTERM)
            try await owner.exitCode()
            try await receiver.line(containing: "early")
            try await wires[1].line(containing: #"{"op":"ack","id":"1"}"#)
            #expect(receiver.lines.filter { $0.contains("early") }.count == 1)
            try inputs[1].close()
            #expect(try await wires[1].exitCode() == 0)
        }
    }

    @Test("a spool that is owned on another machine is taken when its owner is silent, and given up to one that is not")
    func otherMachine() async throws {
        try await TestBus.withPair { a, _, spool in
            _ = try await a.connect("claude-1", key: 1)
            try FileManager.default.createDirectory(
                atPath: "\(spool)/a",
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let lease = "\(spool)/a/owner"
            let word = Data(#"{"host":"elsewhere","pid":4711}"#.utf8)
            try word.write(to: URL(filePath: lease))
            let gateway = try start(a, spool)
            try await gateway.line(containing: "owns its spool already (pid 4711 on elsewhere); standing by")
            #expect(gateway.isRunning)
            let old = Date(timeIntervalSinceNow: -120)
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: lease)
            try await gateway.line(containing: "is up")
            // The other one comes back, having been taken for dead, and says so again and again.
            _ = try await eventually("it to stand by again", within: .seconds(30)) {
                if gateway.lines.filter({ $0.contains("standing by") }).count > 1 { return () }
                try word.write(to: URL(filePath: lease))
                return nil
            }
            #expect(try Data(contentsOf: URL(filePath: lease)) == word)
        }
    }
}
