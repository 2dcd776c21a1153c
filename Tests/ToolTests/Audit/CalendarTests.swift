import Foundation
import InterSessionCore
import TestSupport
import Testing

/// What a calendar that is wrong does to mail.
@Suite("calendar")
struct CalendarTests {
    private func server(_ bus: TestBus, _ clock: FakeClock) async throws -> RunningTool {
        let server = try bus.start(
            "server",
            ["--idle-shutdown-minutes", "0"],
            key: 9,
            environment: clock.environment
        )
        _ = try await eventually("the server") { server.errors.contains("serving") ? () : nil }
        return server
    }

    private func away(_ name: String, key: Int, _ bus: TestBus) async throws {
        let client = try await bus.connect(name, key: key)
        client.signal(SIGTERM)
        try await client.exitCode()
    }

    private func end(_ server: RunningTool) async throws {
        server.signal(SIGKILL)
        try await server.exitCode()
    }

    @Test(
        "a calendar that jumps 15 days forward costs no unseen mail, and the server says so (needs libfaketime)",
        .needs(.libfaketime)
    )
    func jumpForward() async throws {
        try await TestBus.with { bus in
            let clock = try FakeClock(in: bus.directory)
            let first = try await server(bus, clock)
            _ = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            #expect(try await bus.run("send", "--to", "beta", "--text", "precious", key: 1).output.contains("queued"))
            try await end(first)
            try clock.set("+15d")
            let second = try await server(bus, clock)
            _ = try await eventually("the listing") {
                try await bus.run("list", "--all", key: 1).output.contains("beta") ? () : nil
            }
            #expect(second.errors.contains("later than expected"))
            try await end(second)
            try clock.set("+0")
            let third = try await server(bus, clock)
            defer { third.signal(SIGKILL) }
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
            let first = try await server(bus, clock)
            try await away("beta", key: 2, bus)
            let old = LoadRecord()
            try await LoadSender("sender", bus).send(900, to: ["beta"], old)
            #expect(old.all.count == 900)
            try await end(first)
            try clock.set("+0")
            // The sender is there as soon as the server is.
            let fresh = LoadRecord()
            async let sending: Void = LoadSender("other", bus).send(1, to: ["beta"], fresh)
            let second = try await server(bus, clock)
            defer { second.signal(SIGKILL) }
            try await sending
            #expect(fresh.all.count == 1)
            let beta = try await bus.connect("beta", key: 2)
            try await beta.line(containing: #"from="other"] 1@0"#)
        }
    }
}
