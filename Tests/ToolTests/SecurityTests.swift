import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

/// The rows of docs/SECURITY.md that need files, users or a browser.
@Suite("security")
struct SecurityTests {
    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func python(_ arguments: [String], _ bus: TestBus) async throws -> ToolRun {
        try await RunningTool(
            "/usr/bin/env",
            ["python3", "-B"] + arguments,
            environment: ProcessInfo.processInfo.environment,
            in: bus.directory
        ).finished()
    }

    @Test(
        "a web page in a real browser reaches nothing (needs chromium)",
        .needs(.chromium)
    )
    func browser() async throws {
        let browser = try #require(Need.Places.chromium)
        try await TestBus.with { bus in
            let client = try await bus.connect("alpha", key: 1)
            let page = BuiltTools.packageRoot.appending(path: "Tests/ToolTests/Peer/browser_page.py").path
            let run = try await python([page, "\(bus.port)", browser], bus)
            #expect(run.code == 0, "\(run.errors)")
            let attempts = run.output.split(separator: "\n")
            #expect(attempts.count == 27)
            for attempt in attempts { #expect(attempt.contains(": refused ("), "\(attempt)") }
            let listed = try await bus.run("list", "--all", key: 1).output
            #expect(!listed.contains("page") && client.lines.count == 1)
        }
    }

    @Test(
        "another user of the machine finds no file, no socket and no token (needs root, to become one)",
        .needs(.root)
    )
    func otherUser() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let script = """
                import json, os, socket, sys
                data, port = sys.argv[1], int(sys.argv[2])
                def attempt(name, action):
                    try: print(name, "GOT", action())
                    except Exception as error: print(name, "refused", type(error).__name__)
                def unix():
                    connection = socket.socket(socket.AF_UNIX); connection.settimeout(10)
                    connection.connect(f"{data}/bus.{port}.sock")
                    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")
                    answer = connection.recv(1000)
                    if not answer: raise ConnectionError("closed")
                    return answer
                print("root can", os.path.exists(f"{data}/token"))
                os.setgroups([]); os.setgid(65534); os.setuid(65534)
                for name in ["token", "messages.log", "mail.sqlite", "server.log", "clients/1.session"]:
                    attempt("read", lambda: open(f"{data}/{name}").read(1))
                attempt("list", lambda: os.listdir(data))
                attempt("write", lambda: open(f"{data}/new", "w"))
                attempt("socket", unix)
                """
            let closed = try await python(["-c", script, bus.data, "\(bus.port)"], bus)
            #expect(closed.output.contains("root can True") && !closed.output.contains("GOT"), "\(closed.output)")
            #expect(closed.output.split(separator: "\n").count == 9)
            // Even where somebody opened the way, the kernel says who it is that comes.
            let files = FileManager.default
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bus.directory)
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bus.data)
            try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(bus.data)/bus.\(bus.port).sock")
            let open = try await python(["-c", script, bus.data, "\(bus.port)"], bus)
            #expect(open.output.contains("list GOT") && open.output.contains("socket refused"), "\(open.output)")
            #expect(!open.output.contains("read GOT"))
            #expect(bus.file("server.log").contains("refused another user"))
        }
    }

    @Test("what was opened to others is closed at the next start")
    func modes() async throws {
        try await TestBus.with { bus in
            let first = try await bus.connect("alpha", key: 1)
            _ = try await bus.run("send", "--all", "--text", "x", key: 1)
            first.signal(SIGTERM)
            try await first.exitCode()
            for process in try bus.serverProcesses() { kill(process, SIGKILL) }
            let files = FileManager.default
            let all = try #require(files.enumerator(atPath: bus.data)).compactMap { $0 as? String }
            #expect(all.count > 5)
            for name in all + [""] {
                try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(bus.data)/\(name)")
            }
            _ = try await bus.connect("alpha", key: 1)
            #expect(try mode(bus.data) == 0o700)
            for name in try #require(files.enumerator(atPath: bus.data)).compactMap({ $0 as? String }) {
                #expect(try mode("\(bus.data)/\(name)") & 0o077 == 0, "\(name) is open")
            }
        }
    }

    @Test("a process that got the number of a dead listener is never signalled, be it another session's client")
    func processIDs() async throws {
        try await TestBus.with { bus in
            let client = try await bus.connect("alpha", key: 1)
            let stranger = try await bus.connect("beta", key: 2)
            client.signal(SIGKILL)
            try await client.exitCode()
            let state = bus.file("clients/1.session").replacing(
                #""listener_pid":\#(client.processID)"#,
                with: #""listener_pid":\#(stranger.processID)"#
            )
            // Somebody holds the lock, as a listener would.
            let lock = try #require(try FileLock.tryLock("\(bus.data)/clients/1.lock"))
            // What 0.1.0 wrote does not say when the listener started.
            let old = state.replacing(/"listener_started":\d+,/, with: "")
            #expect(old != state)
            for (state, way) in [(state, "find the listener of this session"), (old, "is one of version 0.1.0")] {
                try Data(state.utf8).write(to: URL(filePath: "\(bus.data)/clients/1.session"))
                let run = try await bus.run("disconnect", key: 1)
                #expect(run.code == 1 && run.errors.split(separator: "\n").count == 1)
                #expect(
                    run.errors.contains("process \(stranger.processID)") && run.errors.contains(way),
                    "\(run.errors)"
                )
                #expect(run.errors.contains("left alone"))
            }
            let sent = try await bus.run("send", "--to", "beta", key: 2, input: "x")
            #expect(sent.errors.contains("this session itself"), "beta is on the bus")
            #expect(stranger.isRunning)
            withExtendedLifetime(lock) {}
        }
    }
}
