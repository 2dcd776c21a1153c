import Foundation
import InterSessionCore
import TestSupport
import Testing

/// Two servers in one data directory are two buses.
@Suite("two buses")
struct TwoBusesTests {
    @Test("two ports in one directory share no mail: a mailbox of one is never one of the other")
    func mailboxes() async throws {
        try await TestBus.withTwoPorts { first, second in
            _ = try await first.connect("alpha", key: 1)
            let beta = try await second.connect("beta", key: 2)
            _ = try await second.connect("gamma", key: 3)
            let delta = try await first.connect("delta", key: 4)
            delta.signal(SIGTERM)
            try await delta.exitCode()
            let sent = try await first.run("send", "--to", "delta", "--text", "for delta alone", key: 1)
            #expect(sent.output.contains("queued"))

            beta.signal(SIGTERM)
            try await beta.exitCode()
            let again = try await second.connect("beta", key: 2)
            #expect(try await second.run("send", "--to", "beta", "--text", "for beta", key: 3).code == 0)
            try await again.line(containing: "for beta")
            #expect(!again.output.contains("for delta alone"), "beta was shown the mail of a session of another bus")

            let back = try await first.connect("delta", key: 4)
            try await back.line(containing: "for delta alone")
            #expect(try await !second.run("log", "--json", key: 3).output.contains("for delta alone"))
        }
    }

    @Test("sessions of one name on two ports are two sessions, and each gets its own mail, also after both were killed")
    func sameNames() async throws {
        try await TestBus.withTwoPorts { first, second in
            for (bus, text) in [(first, "one"), (second, "two")] {
                let key = bus.port
                _ = try await bus.connect("alpha", key: key)
                let beta = try await bus.connect("beta", key: key + 100_000)
                beta.signal(SIGTERM)
                try await beta.exitCode()
                #expect(try await bus.run("send", "--to", "beta", "--text", text, key: key).code == 0)
            }
            for bus in [first, second] {
                for server in try bus.serverProcesses() { kill(server, SIGKILL) }
            }
            for (bus, text) in [(first, "one"), (second, "two")] {
                let beta = try await bus.connect("beta", key: bus.port + 100_000)
                try await beta.line(containing: text)
                let lines = beta.lines.filter { $0.contains("msg=") }
                #expect(lines.count == 1)
            }
        }
    }
}
