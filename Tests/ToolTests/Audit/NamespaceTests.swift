import Foundation
import InterSessionCore
import TestSupport
import Testing

/// Processes that the server sees under other numbers, or not at all, and those that were silent for a while.
@Suite("namespaces and stale connections")
struct NamespaceTests {
    @Test(
        "a client in another pid namespace stays on the bus (needs root that may unshare)",
        .needs(.namespaces)
    )
    func namespace() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let inner = try RunningTool(
                "/usr/bin/unshare",
                [
                    "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c",
                    // Its number there is one that nobody has here.
                    #"echo "$2" >/proc/sys/kernel/ns_last_pid; "$0" --name "$1"; true"#,
                    BuiltTools.path("client"), "inner", "\(try unusedNumber() - 1)",
                ],
                environment: bus.environment(key: 2),
                in: bus.directory
            )
            defer { inner.signal(SIGKILL) }
            try await inner.line(containing: "connected as 'inner'")
            // Three looks are 30 s; a fourth proves that they have passed.
            let begin = ContinuousClock.now
            _ = try await eventually("four looks at the processes", within: .seconds(60)) {
                ContinuousClock.now - begin > .seconds(43) || !inner.isRunning ? () : nil
            }
            #expect(inner.isRunning && inner.lines.count == 1, "\(inner.output)")
            #expect(try await bus.run("send", "--to", "inner", "--text", "still here?", key: 1).code == 0)
            try await inner.line(containing: "still here?")
        }
    }

    private func unusedNumber() throws -> Int32 {
        try #require((20_000..<30_000).first { kill($0, 0) != 0 && errno == ESRCH })
    }

    @Test(
        "two sessions of one number in two pid namespaces are two sessions (needs root that may unshare)",
        .needs(.namespaces)
    )
    func sameNumbers() async throws {
        try await TestBus.with { bus in
            var clients: [RunningTool] = []
            defer { for client in clients { client.signal(SIGKILL) } }
            for name in ["one", "two"] {
                // The key is that of the process above, which is number 1 in each namespace.
                var environment = bus.environment(key: 0)
                environment["INTER_SESSION_PPID_OVERRIDE"] = nil
                let client = try RunningTool(
                    "/usr/bin/unshare",
                    [
                        "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c",
                        #""$0" --name "$1"; true"#, BuiltTools.path("client"), name,
                    ],
                    environment: environment,
                    in: bus.directory
                )
                clients.append(client)
                try await client.line(containing: "connected as '\(name)'")
            }
            #expect(clients.allSatisfy { $0.lines.count == 1 })
        }
    }

    @Test("a client that was stopped for longer than the server waits comes back by itself, and gets its mail")
    func stoppedForLong() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            beta.signal(SIGSTOP)
            _ = try await eventually("beta to be given up", within: .seconds(90)) {
                try await bus.run("list", key: 1).output.contains("beta") ? nil : ()
            }
            let sent = try await bus.run("send", "--to", "beta", "--text", "meanwhile", key: 1)
            #expect(sent.output.contains("queued"))
            beta.signal(SIGCONT)
            try await beta.line(containing: "meanwhile")
            #expect(beta.isRunning)
        }
    }
}
