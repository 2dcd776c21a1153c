import Foundation
import InterSessionCore
import TestSupport
import Testing

/// What befalls programs that run all day. After each of it: nothing accepted is lost, a line says what happened, and
/// the bus goes on by itself.
@Suite("faults")
struct FaultTests {
    private func send(_ text: String, _ bus: TestBus, key: Int = 1) async throws -> ToolRun {
        try await bus.run("send", "--to", "beta", "--text", text, key: key)
    }

    @Test("a server that is stopped for a while holds everybody up, and loses nothing")
    func stoppedServer() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let server = try #require(bus.serverProcessID)
            let before = try SocketCensus.connections(to: "bus.\(bus.port).sock")
            kill(server, SIGSTOP)
            let senders = try (1...5).map { try bus.start("send", "--to", "beta", "--text", "m\($0)", key: 1) }
            // All have got as far as its socket, and there they are: it answers nobody.
            try await eventually("five connections") {
                try SocketCensus.connections(to: "bus.\(bus.port).sock") >= before + 5 ? () : nil
            }
            // A sixth one, which waits a second and no longer, shows that time has passed.
            let impatient = try await bus.run("send", "--to", "beta", "--text", "sixth", "--wait", "1", key: 1)
            #expect(impatient.code == 4 && impatient.output.isEmpty)
            #expect(senders.filter(\.isRunning).count == 5)
            #expect(beta.lines.count == 1 && senders.allSatisfy { $0.output.isEmpty })
            kill(server, SIGCONT)
            for sender in senders {
                let code = try await sender.exitCode()
                #expect(code == 0)
            }
            for number in 1...5 { try await beta.line(containing: "m\(number)") }
            #expect(beta.lines.count == 6)
        }
    }

    @Test("a session that is stopped gets its mail when it goes on, in order and once")
    func stoppedClient() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            beta.signal(SIGSTOP)
            for number in 1...5 {
                let run = try await send("m\(number)", bus)
                #expect(run.code == 0 && run.output.contains("delivered"))
            }
            beta.signal(SIGCONT)
            try await beta.line(containing: "m5")
            let texts = beta.lines.dropFirst().map { String($0.suffix(2)) }
            #expect(texts == ["m1", "m2", "m3", "m4", "m5"])
        }
    }

    @Test("a session whose reader has gone leaves, and its mail waits")
    func closedOutput() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let reader = try RunningTool(
                "/bin/sh",
                ["-c", #""$0" --name beta | head -n 1"#, BuiltTools.path("client")],
                environment: bus.environment(key: 2),
                in: bus.directory
            )
            try await reader.exitCode()
            _ = try await eventually("beta to be away") {
                try await bus.run("list", key: 1).output.contains("beta") ? nil : ()
            }
            #expect(try await send("waits", bus).output.contains("queued: beta is offline since"))
            let again = try await bus.connect("beta", key: 2)
            try await again.line(containing: "waits")
            #expect(again.lines.contains { $0.contains("1 message arrived while this session was away") })
        }
    }

    @Test("a data directory that is removed comes back with all its mail, and everybody is told")
    func removedDirectory() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            beta.signal(SIGTERM)
            try await beta.exitCode()
            #expect(try await send("waits", bus).code == 0)
            let token = bus.file("token")
            try FileManager.default.removeItem(atPath: bus.data)
            try await alpha.line(containing: "was removed; the mail was saved into a new one")
            // The session is on the next server, and its tools find it.
            _ = try await eventually("the bus to be back", within: .seconds(60)) {
                try await bus.run("list", key: 1).code == 0 ? () : nil
            }
            #expect(bus.file("token") == token)
            let again = try await bus.connect("beta", key: 2)
            try await again.line(containing: "waits")
            #expect(try await send("after", bus).code == 0)
            try await again.line(containing: "after")
            #expect(again.lines.filter { $0.contains("waits") }.count == 1)
        }
    }

    @Test(
        "a full disk refuses what it cannot keep, keeps what it accepted, and works on when there is room (needs root)",
        .needs(.root)
    )
    func fullDisk() async throws {
        try await TestBus.with { bus in
            try FileManager.default.createDirectory(atPath: bus.data, withIntermediateDirectories: true)
            let mount = Process()
            mount.executableURL = URL(filePath: "/bin/mount")
            mount.arguments = ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", bus.data]
            try mount.run()
            mount.waitUntilExit()
            try #require(mount.terminationStatus == 0)
            defer {
                let unmount = Process()
                unmount.executableURL = URL(filePath: "/bin/umount")
                unmount.arguments = ["-l", bus.data]
                try? unmount.run()
                unmount.waitUntilExit()
            }
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let ballast = "\(bus.data)/ballast"
            try Data(count: 1_500_000).write(to: URL(filePath: ballast))
            var accepted: [Int] = []
            var refused = false
            for number in 1...40 where !refused {
                let text = "number-\(number) " + String(repeating: "x", count: 100_000)
                let run = try await send(text, bus)
                if run.code == 0 { accepted.append(number) } else { refused = true }
                let isSaid = run.errors.contains("storage_full") && run.errors.contains("nobody got it")
                if refused { #expect(isSaid, "\(run.errors)") }
            }
            #expect(refused && !accepted.isEmpty)
            try FileManager.default.removeItem(atPath: ballast)
            #expect(try await send("number-99 fits", bus).code == 0)
            try await beta.line(containing: "number-99")
            let printed = beta.lines.compactMap { $0.firstMatch(of: #/number-(\d+) /#).flatMap { Int($0.1) } }
            #expect(printed == accepted + [99])
        }
    }

    @Test(
        "permissions that are taken away are named, and the bus is back when they are (needs root, to be another user)",
        .needs(.root)
    )
    func revokedPermissions() async throws {
        try await TestBus.with { bus in
            let files = FileManager.default
            try files.createDirectory(atPath: bus.data, withIntermediateDirectories: true)
            for path in [bus.directory, bus.data] {
                try files.setAttributes([.ownerAccountID: 65534, .groupOwnerAccountID: 65534], ofItemAtPath: path)
            }
            func start(_ tool: String, _ arguments: String..., key: Int) throws -> RunningTool {
                try RunningTool(
                    "/usr/bin/setpriv",
                    ["--reuid=65534", "--regid=65534", "--clear-groups", BuiltTools.path(tool)] + arguments,
                    environment: bus.environment(key: key),
                    in: bus.directory
                )
            }
            let beta = try start("client", "--name", "beta", key: 2)
            try await beta.line(containing: "connected as")
            let alpha = try start("client", "--name", "alpha", key: 1)
            try await alpha.line(containing: "connected as")
            try files.setAttributes([.posixPermissions: 0], ofItemAtPath: bus.data)
            let refused = try await start("send", "--to", "beta", "--text", "x", key: 1).finished()
            #expect(refused.code != 0 && refused.errors.split(separator: "\n").count == 1)
            for process in try bus.serverProcesses() { kill(process, SIGKILL) }
            try await alpha.line(containing: "the bus cannot be reached")
            #expect(alpha.output.contains("ermission denied") && alpha.isRunning)
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: bus.data)
            try await alpha.line(containing: "connected again as 'alpha'")
            let sent = try await start("send", "--to", "beta", "--text", "well again", key: 1).finished()
            #expect(sent.code == 0)
            try await beta.line(containing: "well again")
        }
    }

    @Test(
        "a clock that jumps by seconds and by hours, back and forth, stops no tool, changes no order and expires nothing (needs libfaketime)",
        .needs(.libfaketime)
    )
    func brokenClock() async throws {
        try await TestBus.with { bus in
            let clock = try FakeClock(in: bus.directory)
            let server = try bus.start(
                "server",
                ["--idle-shutdown-minutes", "0"],
                key: 9,
                environment: clock.environment
            )
            defer { server.signal(SIGTERM) }
            _ = try await eventually("the server") { server.errors.contains("serving") ? () : nil }
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let gone = try await bus.connect("gone", key: 3)
            gone.signal(SIGTERM)
            try await gone.exitCode()
            // Also by seconds: less than a session has been idle, and a little more.
            let offsets = ["+0", "-2", "-4", "-10", "+9", "-5h", "+9h", "+32398", "-26h", "-93602", "+0"]
            for (number, offset) in offsets.enumerated() {
                try clock.set(offset)
                #expect(try await send("m\(number)", bus).code == 0)
                // Each of them reckons with what was written down by another clock.
                for arguments in [["list", "--all"], ["list", "--long"], ["log"], ["log", "--since", "1h"]] {
                    let run = try await bus.run(arguments[0], Array(arguments.dropFirst()), key: 1, input: Data())
                    #expect(run.code == 0, "\(arguments) at \(offset): \(run.errors)")
                }
                let all = try await bus.run("list", "--all", key: 1).output
                #expect(["alpha", "beta", "gone"].allSatisfy(all.contains), "\(all)")
            }
            #expect(server.isRunning)
            try await beta.line(containing: "m10")
            let texts = beta.lines.dropFirst().map { String($0.split(separator: " ").last ?? "") }
            #expect(texts == offsets.indices.map { "m\($0)" })
            let ids = beta.lines.compactMap(\.messageID)
            #expect(ids == ids.sorted() && Set(ids).count == offsets.count)
            // The clock did jump, and the order of ids went on from there.
            let last = try #require(ids.last.flatMap { MessageID($0) })
            #expect(last.time - .seconds(8 * 3600) > Timestamp.now())
            let log = try await bus.run("log", "--json", key: 1).output
            #expect(!log.contains("expired"))
        }
    }
}
