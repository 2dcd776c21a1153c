import Foundation
import InterSessionCore
import TestSupport
import Testing

/// What a calendar that is wrong does to mail.
@Suite("calendar")
struct CalendarTests {
    private func away(_ name: String, key: Int, _ bus: TestBus) async throws {
        let client = try await bus.connect(name, key: key)
        client.signal(SIGTERM)
        try await client.exitCode()
    }

    /// Ends the server; whoever is here starts the next one.
    private func restart(_ bus: TestBus) async throws {
        let servers = try bus.serverProcesses()
        for server in servers { kill(server, SIGKILL) }
        try await eventually("the next server", within: .seconds(60)) { () -> Void? in
            guard try bus.serverProcesses().contains(where: { !servers.contains($0) }) else { return nil }
            return try await bus.run("list", key: 1).code == 0 ? () : nil
        }
    }

    @Test(
        "a calendar that jumps 15 days forward costs no unseen mail, and the server says so (needs libfaketime)",
        .needs(.libfaketime)
    )
    func jumpForward() async throws {
        try await TestBus.with { bus in
            let clock = try FakeClock(in: bus.directory)
            let bus = try bus.withServer(by: clock)
            _ = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            #expect(try await bus.run("send", "--to", "beta", "--text", "precious", key: 1).output.contains("queued"))
            try clock.set("+15d")
            try await restart(bus)
            #expect(try await bus.run("list", "--all", key: 1).output.contains("beta"))
            #expect(bus.file("server.log").contains("later than expected"))
            try clock.set("+0")
            try await restart(bus)
            let beta = try await bus.connect("beta", key: 2)
            try await beta.line(containing: "precious")
        }
    }

    @Test(
        "a message accepted while a server starts with old mail arrives, however old the rest is (needs libfaketime)",
        .needs(.libfaketime)
    )
    func sendWhileOldMailGoes() async throws {
        try await TestBus.with { bus in
            let clock = try FakeClock(in: bus.directory, "-8d")
            let bus = try bus.withServer(by: clock)
            _ = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            let old = LoadRecord()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 1...4 {
                    tasks.addTask { try await LoadSender("old-\(number)", bus).send(900, to: ["beta"], old) }
                }
                try await tasks.waitForAll()
            }
            #expect(old.all.count == 3600)
            try clock.set("+0")
            // The sender is there as soon as the next server is.
            let fresh = LoadRecord()
            async let sending: Void = LoadSender("other", bus).send(20, to: ["beta"], fresh)
            try await restart(bus)
            try await sending
            #expect(fresh.all.count == 20)
            let beta = try await bus.connect("beta", key: 2)
            for number in 1...20 { try await beta.line(containing: #"from="other"] \#(number)@0"#) }
        }
    }

    @Test(
        "a message to a session whose old mail is just expiring arrives (needs libfaketime)",
        .needs(.libfaketime)
    )
    func sendWhileExpiryWaits() async throws {
        try await TestBus.with { bus in
            let clock = try FakeClock(in: bus.directory, "-9d")
            let bus = try bus.withServer(by: clock)
            let alpha = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            #expect(try await bus.run("send", "--to", "beta", "--text", "old", key: 1).code == 0)
            alpha.signal(SIGTERM)
            try await alpha.exitCode()
            for server in try bus.serverProcesses() { kill(server, SIGKILL) }
            try clock.set("+0")
            // The next server can read its mail at once, and write only when the lock is gone: until then the look at old
            // mail that it begins with is under way.
            let script = """
                import signal, sqlite3, sys
                connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
                connection.execute("BEGIN IMMEDIATE")
                print("locked", flush=True)
                signal.pause()
                """
            let locker = try RunningTool(
                "/usr/bin/env",
                ["python3", "-c", script, bus.mail],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            try await locker.line(containing: "locked")
            _ = try await bus.connect("gamma", key: 3)
            let sending = try bus.start("send", "--to", "beta", "--text", "fresh", key: 3)
            // The server has read the message by the time that it has answered some later questions.
            for _ in 1...5 { #expect(try await bus.run("list", key: 3).code == 0) }
            locker.signal(SIGKILL)
            #expect(try await sending.finished().code == 0)
            let beta = try await bus.connect("beta", key: 2)
            try await beta.line(containing: "fresh")
        }
    }
}
