import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

@Suite("client")
struct ClientTests {
    @Test("a second client of one Claude Code session says who is there and leaves")
    func secondClient() async throws {
        try await TestBus.with { bus in
            let first = try await bus.connect("alpha", key: 7)
            let second = try await bus.run("client", "--name", "other", key: 7)
            #expect(second.code == 0)
            let lines = second.output.split(separator: "\n")
            #expect(lines.count == 1)
            let prefix = "[inter-session] another monitor for this session is already running — name='alpha', "
            #expect(lines[0].hasPrefix(prefix + "listener_pid=\(first.processID), session_id="))
            #expect(lines[0].hasSuffix("; exiting"))
        }
    }

    @Test("a taken name becomes the first free suffix, and the client says so")
    func nameTaken() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let second = try await bus.connect("alpha", key: 2)
            #expect(second.lines[0] == "[inter-session] name 'alpha' taken; using 'alpha-2'")
            #expect(second.lines[1].hasPrefix("[inter-session] connected as 'alpha-2'"))
        }
    }

    @Test("without a name the directory gives one")
    func suggestedName() async throws {
        try await TestBus.with { bus in
            let project = "\(bus.directory)/My Project_2"
            try FileManager.default.createDirectory(atPath: project, withIntermediateDirectories: false)
            for (key, name) in [(1, "my-project-2"), (2, "my-project-2-2")] {
                let client = try bus.start("client", [], key: key, workingDirectory: project)
                try await client.line(containing: "connected as '\(name)'")
                #expect(client.lines[0] == "[inter-session] no name given; using '\(name)' from the working directory")
            }
        }
    }

    @Test(
        "a name or a label that the bus would refuse is refused at once",
        arguments: [["--name", "No"], ["--label", "a\nb"]]
    )
    func invalidIdentity(arguments: [String]) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run("client", arguments, key: 1, input: Data())
            #expect(run.code == 64 && run.errors.hasPrefix("error: invalid_"))
        }
    }

    @Test("SIGTERM and SIGINT end it and take its state away", arguments: [SIGTERM, SIGINT])
    func signals(number: Int32) async throws {
        try await TestBus.with { bus in
            let client = try await bus.connect("alpha", key: 5)
            #expect(bus.file("clients/5.session").contains(#""name":"alpha""#))
            client.signal(number)
            #expect(try await client.exitCode() == 0)
            #expect(bus.file("clients/5.session").isEmpty)
            #expect(try await bus.run("list", "--self", key: 5).output == "not connected\n")
        }
    }

    @Test("it leaves with its Claude Code process")
    func claudeProcessGone() async throws {
        try await TestBus.with { bus in
            let claude = try RunningTool("/bin/sleep", ["60"], environment: [:], in: bus.directory)
            let client = try bus.start(
                "client",
                ["--name", "alpha"],
                key: 1,
                environment: ["CLAUDE_PID": "\(claude.processID)"]
            )
            try await client.line(containing: "connected as")
            claude.signal(SIGKILL)
            #expect(try await client.exitCode() == 0)
        }
    }

    @Test("it leaves when nobody reads its output")
    func outputClosed() async throws {
        try await TestBus.with { bus in
            let process = Process()
            process.executableURL = URL(filePath: BuiltTools.path("client"))
            process.arguments = ["--name", "alpha"]
            process.environment = bus.environment(key: 1)
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            // The first line says that it is connected; then the reader goes.
            #expect(!pipe.fileHandleForReading.availableData.isEmpty)
            try pipe.fileHandleForReading.close()
            try pipe.fileHandleForWriting.close()
            try await eventually("the client's end") { process.isRunning ? nil : () }
            #expect(process.terminationStatus == 0)
        }
    }

    @Test("a reader that stops reading holds nobody up, and its mail comes in order and once when it reads on")
    func stalledReader() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let gamma = try await bus.connect("gamma", key: 3)
            let reader = StalledReader()
            try reader.start("client", ["--name", "beta"], environment: bus.environment(key: 2))
            defer { reader.end() }
            try #require(try await reader.next().contains("connected as 'beta'"))
            // More than the pipe takes, so that the client waits for its reader.
            var sent: [String] = []
            while sent.count(where: { $0.contains(", delivered)") }) < 20, sent.count < 400 {
                let text = "number-\(sent.count) " + String(repeating: "x", count: 380)
                sent.append(try await bus.run("send", "--to", "beta", key: 1, input: text).output)
            }
            #expect(sent.first?.contains(", seen)") == true && sent.last?.contains(", delivered)") == true)
            func waiting() async throws -> Int? {
                let list = try await bus.run("list", "--all", "--json", key: 1).output
                let sessions = try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [[String: Any]]
                return sessions?.first { $0["name"] as? String == "beta" }?["waiting"] as? Int
            }
            let kept = try #require(try await waiting())
            #expect(kept >= 19 && kept < sent.count)
            #expect(try await bus.run("send", "--to", "gamma", key: 1, input: "meanwhile").output.contains("seen"))
            try await gamma.line(containing: "meanwhile")
            #expect(try await waiting() == kept, "nothing is seen while nobody reads")
            // It reads on.
            for number in sent.indices {
                let line = try await reader.next()
                #expect(line.contains("] number-\(number) x"), "\(line)")
            }
            #expect(try await bus.run("send", "--to", "beta", key: 1, input: "last").output.contains("seen"))
            #expect(try await reader.next().hasSuffix("] last"))
        }
    }

    @Test("CLAUDE_CODE_SESSION_ID is its id; a second client that has it too gets another")
    func sessionID() async throws {
        try await TestBus.with { bus in
            let id = "0b5e8c1e-0000-4000-8000-123456789abc"
            var clients: [RunningTool] = []
            for (key, name) in [(1, "alpha"), (2, "beta")] {
                let client = try bus.start(
                    "client",
                    ["--name", name],
                    key: key,
                    environment: ["CLAUDE_CODE_SESSION_ID": id]
                )
                try await client.line(containing: "connected as '\(name)'")
                clients.append(client)
            }
            #expect(clients[0].output.contains("(session_id=\(id))"))
            #expect(!clients[1].output.contains(id))
        }
    }

    @Test(
        "where another program has the port the bus serves its own tools, says so, and takes the port when it is free"
    )
    func portInUse() async throws {
        try await TestBus.with { bus in
            let occupant = try RunningTool(
                "/usr/bin/env",
                [
                    "python3", "-c",
                    "import signal,socket; s=socket.create_server(('127.0.0.1', \(bus.port))); print('here', flush=True); signal.pause()",
                ],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            try await occupant.line(containing: "here")
            let client = try bus.start("client", "--name", "alpha", key: 1)
            try await client.line(containing: "connected as 'alpha'")
            let beta = try await bus.connect("beta", key: 2)
            #expect(try await bus.run("send", "--to", "beta", "--text", "by socket", key: 1).code == 0)
            try await beta.line(containing: "by socket")
            let log = bus.file("server.log")
            #expect(log.contains("cannot listen on 127.0.0.1:\(bus.port)") && log.contains("INTER_SESSION_PORT"))
            let doctor = try await bus.run("doctor", key: 1)
            #expect(doctor.output.contains("another program listens on port \(bus.port)"))
            occupant.signal(SIGKILL)
            _ = try await eventually("the port to be served") {
                bus.file("server.log").contains("is free again") ? () : nil
            }
            #expect(FreePort.isTaken(bus.port))
        }
    }

    @Test("a client waits for a tool that has its place for a moment, and does not take it for another client")
    func placeInUse() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let script = """
                import fcntl, os, signal, sys
                fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
                print("locked", flush=True)
                signal.pause()
                """
            let locker = try RunningTool(
                "/usr/bin/env",
                ["python3", "-c", script, "\(bus.data)/clients/5.lock"],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            try await locker.line(containing: "locked")
            let client = try bus.start("client", "--name", "beta", key: 5)
            // It has tried by then.
            for _ in 1...5 { #expect(try await bus.run("list", key: 1).code == 0) }
            locker.signal(SIGKILL)
            try await client.line(containing: "connected as 'beta'")
        }
    }
}
