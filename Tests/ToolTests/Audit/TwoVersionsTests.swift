import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

/// An update while sessions are open: tools, clients and servers of 0.1.0 beside those of today, in one directory.
@Suite("two versions")
struct TwoVersionsTests {
    private func former(_ tool: String, _ arguments: String..., key: Int, _ bus: TestBus) throws -> RunningTool {
        let place = try #require(BuiltTools.former)
        return try RunningTool(
            "\(place)/\(tool)",
            arguments,
            environment: bus.environment(key: key),
            in: bus.directory
        )
    }

    private func end(_ client: RunningTool) async throws {
        client.signal(SIGTERM)
        try await client.exitCode()
    }

    private func killServer(_ bus: TestBus) async throws {
        let servers = try bus.serverProcesses()
        for server in servers { kill(server, SIGKILL) }
        _ = try await eventually("the server's end") { servers.contains(where: SystemProcess.isAlive) ? nil : () }
    }

    @Test(
        "sessions of both versions talk on a server of either (needs the tools of 0.1.0)",
        .needs(.formerTools),
        arguments: [true, false]
    )
    func together(isServerFormer: Bool) async throws {
        try await TestBus.with { bus in
            let alpha: RunningTool
            let beta: RunningTool
            if isServerFormer {
                alpha = try former("client", "--name", "alpha", key: 1, bus)
                try await alpha.line(containing: "connected as")
                beta = try await bus.connect("beta", key: 2)
            } else {
                beta = try await bus.connect("beta", key: 2)
                alpha = try former("client", "--name", "alpha", key: 1, bus)
                try await alpha.line(containing: "connected as")
            }
            let there = try await former("send", "--to", "beta", "--text", "from the former", key: 1, bus).finished()
            #expect(there.code == 0 && there.output.contains("seen"))
            try await beta.line(containing: "from the former")
            // The tools of today act for a session whose client is of 0.1.0, and the other way round.
            let mixed = try await bus.run("send", "--to", "beta", "--text", "from its tools of today", key: 1)
            #expect(mixed.code == 0)
            try await beta.line(containing: "from its tools of today")
            let back = try await former("send", "--to", "alpha", "--text", "back", key: 2, bus).finished()
            #expect(back.code == 0)
            try await alpha.line(containing: "back")
            for key in [1, 2] { #expect(try await bus.run("list", "--all", key: key).code == 0) }
            #expect(try await former("list", "--all", key: 2, bus).finished().code == 0)
            let doctor = try await bus.run("doctor", key: 1).output
            #expect(doctor.contains("is 0.1.0, this program") == isServerFormer)
        }
    }

    @Test(
        "the mail of 0.1.0 is there after the update, once; also what a server of 0.1.0 takes in afterwards (needs the tools of 0.1.0)",
        .needs(.formerTools)
    )
    func takesOver() async throws {
        try await TestBus.with { bus in
            var clients = [try former("client", "--name", "alpha", key: 1, bus)]
            let beta = try former("client", "--name", "beta", key: 2, bus)
            for client in clients + [beta] { try await client.line(containing: "connected as") }
            let seen = try await former("send", "--to", "beta", "--text", "seen before", key: 1, bus).finished()
            #expect(seen.output.contains("seen"))
            try await end(beta)
            for text in ["first", "second"] {
                _ = try await former("send", "--to", "beta", "--text", text, key: 1, bus).finished()
            }
            try await end(clients[0])
            try await killServer(bus)

            // The update. A session that it did not see closed is of 0.1.0 still, and starts a server of its own.
            clients.append(try await bus.connect("alpha", key: 1))
            #expect(try await bus.run("send", "--to", "beta", "--text", "third", key: 1).output.contains("queued"))
            try await end(clients[1])
            try await killServer(bus)
            clients.append(try former("client", "--name", "alpha", key: 1, bus))
            try await clients[2].line(containing: "connected as")
            let short = try former("client", "--name", "beta", key: 2, bus)
            try await short.line(containing: "connected as")
            try await end(short)
            let fourth = try await former("send", "--to", "beta", "--text", "fourth", key: 1, bus).finished()
            #expect(fourth.output.contains("queued"))
            try await end(clients[2])
            try await killServer(bus)

            let last = try await bus.connect("beta", key: 2)
            try await last.line(containing: "fourth")
            let texts = last.lines.compactMap { $0.firstMatch(of: /from="alpha"\] (.+)/).map { String($0.1) } }
            #expect(texts == ["first", "second", "third", "fourth"])
            let log = try await bus.run("log", "--grep", "before", key: 2)
            #expect(log.output.contains("seen before"))
            #expect(!FileManager.default.fileExists(atPath: "\(bus.data)/mail.sqlite"))
            let records = try FileManager.default.contentsOfDirectory(atPath: bus.mailDirectory)
                .filter { $0.hasPrefix("messages.log") }.map { bus.file("bus.\(bus.port)/\($0)") }.joined()
            for text in ["seen before", "first", "second", "third", "fourth"] {
                #expect(records.split(separator: "\n").filter { $0.contains(#""text":"\#(text)""#) }.count == 1)
            }
        }
    }

    @Test(
        "what a server of 0.1.0 on another port still uses is left alone, and taken over later (needs the tools of 0.1.0)",
        .needs(.formerTools)
    )
    func inUse() async throws {
        try await TestBus.withTwoPorts { first, second in
            // The lower port of the two is the one to have it.
            let (today, other) = first.port < second.port ? (first, second) : (second, first)
            let beta = try former("client", "--name", "beta", key: 2, today)
            try await beta.line(containing: "connected as")
            let alpha = try former("client", "--name", "alpha", key: 1, today)
            try await alpha.line(containing: "connected as")
            try await end(beta)
            _ = try await former("send", "--to", "beta", "--text", "kept", key: 1, today).finished()
            let busy = try former("client", "--name", "busy", key: 3, other)
            try await busy.line(containing: "connected as")
            try await end(alpha)
            try await killServer(today)

            let early = try await today.connect("alpha", key: 1)
            #expect(today.file("server.log").contains("a server of version 0.1.0 uses"))
            try await end(early)
            try await killServer(today)
            try await end(busy)
            try await killServer(other)
            let late = try await today.connect("beta", key: 2)
            try await late.line(containing: "kept")
        }
    }
}
