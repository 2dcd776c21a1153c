import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

/// What befalls the files of a bus from outside.
@Suite("store faults")
struct StoreFaultTests {
    /// Holds the whole database for itself until its input ends.
    private static let locker = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        print("locked", flush=True)
        import signal
        signal.pause()
        """

    private func python(_ script: String, _ arguments: String..., in bus: TestBus) throws -> RunningTool {
        try RunningTool(
            "/usr/bin/env",
            ["python3", "-c", script] + arguments,
            environment: ProcessInfo.processInfo.environment,
            in: bus.directory
        )
    }

    private func away(_ name: String, key: Int, _ bus: TestBus) async throws {
        let client = try await bus.connect(name, key: key)
        client.signal(SIGTERM)
        try await client.exitCode()
    }

    private func killServer(_ bus: TestBus) async throws {
        let servers = try bus.serverProcesses()
        for server in servers { kill(server, SIGKILL) }
        _ = try await eventually("the server's end") { servers.contains(where: SystemProcess.isAlive) ? nil : () }
    }

    /// Ends the only session, and the server, which nobody starts again.
    private func end(_ client: RunningTool, with bus: TestBus) async throws {
        client.signal(SIGTERM)
        try await client.exitCode()
        try await killServer(bus)
    }

    @Test("a database that another process holds for a while at the start is waited for, not moved aside")
    func lockedAtStart() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            #expect(try await bus.run("send", "--to", "beta", "--text", "healthy", key: 1).code == 0)
            try await end(alpha, with: bus)

            let locker = try python(Self.locker, bus.mail, in: bus)
            try await locker.line(containing: "locked")
            let beta = try bus.start("client", "--name", "beta", key: 2)
            // 0.1.0 has given up on the file by then, and begun an empty one.
            let begin = ContinuousClock.now
            _ = try await eventually("nine seconds", within: .seconds(30)) {
                ContinuousClock.now - begin > .seconds(9) || beta.output.contains("connected as") ? () : nil
            }
            locker.signal(SIGKILL)
            _ = try await eventually("beta's mail", within: .seconds(60)) {
                beta.output.contains("healthy") || beta.output.contains("damaged") ? () : nil
            }
            #expect(beta.output.contains("healthy") && !beta.output.contains("damaged"), "\(beta.output)")
            let files = try #require(FileManager.default.enumerator(atPath: bus.data)).compactMap { $0 as? String }
            #expect(!files.contains { $0.contains("damaged") })
        }
    }

    @Test("a session that comes while the database is locked is known afterwards, with its mail")
    func lockedWhileRunning() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let script = Self.locker.replacing("PRAGMA locking_mode = EXCLUSIVE", with: "PRAGMA user_version")
            let locker = try python(script, bus.mail, in: bus)
            try await locker.line(containing: "locked")
            // Longer than SQLite waits for the lock, so that storing the session fails at least once.
            let beta = try await bus.connect("beta", key: 2)
            _ = try await eventually("the failure to be said", within: .seconds(30)) {
                bus.file("server.log").contains("could not be stored") ? () : nil
            }
            locker.signal(SIGKILL)
            try await locker.exitCode()
            beta.signal(SIGSTOP)
            _ = try await eventually("the message to be accepted") {
                try await bus.run("send", "--to", "beta", "--text", "for beta", key: 1).code == 0 ? () : nil
            }
            // Neither of them can say anything any more.
            try await killServer(bus)
            beta.signal(SIGKILL)
            try await beta.exitCode()
            let again = try await bus.connect("beta", key: 2)
            try await again.line(containing: "for beta")
        }
    }

    @Test("a server works on tables that a later version has added columns to")
    func laterColumns() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            #expect(try await bus.run("send", "--to", "beta", "--text", "before", key: 1).code == 0)
            try await end(alpha, with: bus)
            let script = """
                import sqlite3, sys
                connection = sqlite3.connect(sys.argv[1], isolation_level=None)
                for table in ["messages", "deliveries", "mailboxes", "keys", "parties"]:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT")
                """
            #expect(try await python(script, bus.mail, in: bus).exitCode() == 0)
            _ = try await bus.connect("alpha", key: 1)
            let sent = try await bus.run("send", "--to", "beta", "--text", "after", key: 1)
            #expect(sent.code == 0, "\(sent.output)")
            let beta = try await bus.connect("beta", key: 2)
            for text in ["before", "after"] { try await beta.line(containing: text) }
        }
    }

    @Test("a socket that somebody removes is made again, and the bus goes on")
    func removedSocket() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let server = bus.serverProcessID
            try FileManager.default.removeItem(atPath: "\(bus.data)/bus.\(bus.port).sock")
            _ = try await eventually("a tool to find the server", within: .seconds(40)) {
                try await bus.run("list", key: 1).code == 0 ? () : nil
            }
            let beta = try await bus.connect("beta", key: 2)
            #expect(try await bus.run("send", "--to", "beta", "--text", "here", key: 1).code == 0)
            try await beta.line(containing: "here")
            #expect(bus.serverProcessID == server && alpha.lines.count == 1)
        }
    }

    @Test("what is accepted while the data directory is removed is in the new one")
    func removedDirectoryUnderLoad() async throws {
        try await TestBus.with { bus in
            // Somebody has to start the next server; the receiver is away, so that its mail is in the store alone.
            _ = try await bus.connect("alpha", key: 1)
            try await away("receiver", key: 2, bus)
            let accepted = LoadRecord()
            // As much as takes longer than the server to notice its loss, on connections that were there before: what it
            // accepts in its last moments is what can be lost.
            let (senders, count) = (4, 6000)
            async let sending: Void = withThrowingTaskGroup(of: Void.self) { tasks in
                for sender in 1...senders {
                    tasks.addTask { try await LoadSender("\(sender)", bus).send(count, to: ["receiver"], accepted) }
                }
                try await tasks.waitForAll()
            }
            _ = try await eventually("some load", within: .seconds(60)) { accepted.all.count > 1000 ? () : nil }
            try FileManager.default.removeItem(atPath: bus.data)
            try await sending
            #expect(accepted.all.count == senders * count)
            try await LoadReceiver("receiver", key: 2, bus).expectAll(of: accepted.all)
        }
    }

    @Test("a server that finds another in its place saves its mail beside the other's, and each session gets its own")
    func placeTaken() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            try await away("old", key: 2, bus)
            #expect(try await bus.run("send", "--to", "old", "--text", "for old", key: 1).code == 0)
            // alpha must not be the one to start the next server.
            alpha.signal(SIGSTOP)
            defer { alpha.signal(SIGKILL) }
            try FileManager.default.removeItem(atPath: bus.data)
            _ = try await bus.connect("new-alpha", key: 3)
            try await away("new-beta", key: 4, bus)
            for number in 1...3 {
                #expect(try await bus.run("send", "--to", "new-beta", "--text", "new \(number)", key: 3).code == 0)
            }
            let old = try await bus.connect("old", key: 2)
            _ = try await eventually("the old mail", within: .seconds(60)) { old.output.contains("for old") ? () : nil }
            let beta = try await bus.connect("new-beta", key: 4)
            for number in 1...3 { try await beta.line(containing: "new \(number)") }
            #expect(!beta.output.contains("for old") && !old.output.contains("new 1"))
        }
    }

    @Test(
        "a database that is replaced under its server, or loses its log, costs nothing that was accepted",
        arguments: ["replace", "log"]
    )
    func replacedDatabase(how: String) async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            try await away("beta", key: 2, bus)
            for number in 1...3 {
                #expect(try await bus.run("send", "--to", "beta", "--text", "before \(number)", key: 1).code == 0)
            }
            if how == "log" {
                try FileManager.default.removeItem(atPath: bus.mail + "-wal")
            } else {
                let junk = "\(bus.directory)/junk"
                try Data(repeating: 7, count: 100_000).write(to: URL(filePath: junk))
                try #require(rename(junk, bus.mail) == 0)
            }
            let first = bus.serverProcessID
            try await eventually("the next server", within: .seconds(60)) { () -> Void? in
                guard bus.serverProcessID != first else { return nil }
                return try await bus.run("list", key: 1).code == 0 ? () : nil
            }
            let beta = try await bus.connect("beta", key: 2)
            for number in 1...3 { try await beta.line(containing: "before \(number)") }
        }
    }

    @Test("a server whose starter is gone before it is ready serves all the same")
    func starterDied() async throws {
        try await TestBus.with { bus in
            try FileManager.default.createDirectory(
                atPath: bus.data,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let script = """
                import fcntl, os, subprocess, sys
                server, lock = sys.argv[1], os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(lock, fcntl.LOCK_EX)
                reader, writer = os.pipe()
                os.close(reader)
                child = subprocess.Popen([server, "--lock-descriptor", str(lock), "--ready-descriptor", str(writer)],
                    pass_fds=[lock, writer], stderr=open(sys.argv[3], "w"))
                os.close(writer)
                os.close(lock)
                print("started", flush=True)
                sys.exit(min(child.wait(), 1) if len(sys.argv) > 4 else 0)
                """
            let starter = try RunningTool(
                "/usr/bin/env",
                [
                    "python3", "-c", script, BuiltTools.path("server"), "\(bus.data)/server.\(bus.port).lock",
                    "\(bus.directory)/server.err",
                ],
                environment: bus.environment(key: 9),
                in: bus.directory
            )
            try await starter.exitCode()
            _ = try await eventually("the server to serve") {
                bus.serverProcessID.map(SystemProcess.isAlive) == true
                    && FileManager.default.fileExists(atPath: "\(bus.data)/bus.\(bus.port).sock") ? () : nil
            }
            let server = try #require(bus.serverProcessID)
            defer { kill(server, SIGKILL) }
            _ = try await bus.connect("alpha", key: 1)
            #expect(bus.serverProcessID == server, "another server had to be started")
        }
    }

    @Test("sessions meet in a directory with a long path, whatever XDG_RUNTIME_DIR each of them has")
    func longPath() async throws {
        try await TestBus.with { bus in
            let long = "\(bus.directory)/" + String(repeating: "long", count: 30)
            var places: [String] = []
            for name in ["x", "y"] {
                places.append("\(bus.directory)/\(name)")
                try FileManager.default.createDirectory(
                    atPath: places[places.count - 1],
                    withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700]
                )
            }
            func environment(_ place: String) -> [String: String] {
                ["INTER_SESSION_DATA_DIR": long, "XDG_RUNTIME_DIR": place]
            }
            let alpha = try bus.start("client", ["--name", "alpha"], key: 1, environment: environment(places[0]))
            try await alpha.line(containing: "connected as")
            let beta = try bus.start("client", ["--name", "beta"], key: 2, environment: environment(places[1]))
            defer {
                for client in [alpha, beta] { client.signal(SIGKILL) }
                for server in (try? bus.serverProcesses()) ?? [] { kill(server, SIGKILL) }
            }
            try await beta.line(containing: "connected as")
            let sent = try bus.start(
                "send",
                ["--to", "beta", "--text", "met"],
                key: 1,
                environment: environment(places[0])
            )
            #expect(try await sent.finished().code == 0)
            try await beta.line(containing: "met")
        }
    }
}
