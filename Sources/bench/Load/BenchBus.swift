import InterSessionCore
import Platform

/// A bus of its own for a measurement: a directory, a port, the tools, and a way to leave nothing behind.
struct BenchBus: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let tools: String
    let directory: DataDirectory
    let port: Int
    private let environment: [String: String]

    static let patience: Duration = .seconds(30)

    /// Runs `body` with a bus that has no server yet.
    static func with<Result>(tools: String, _ body: (BenchBus) async throws -> Result) async throws -> Result {
        let bus = try BenchBus(tools: tools)
        defer { Directory.removeAll(bus.directory.path) }
        do {
            let result = try await body(bus)
            bus.endServer()
            return result
        } catch {
            bus.endServer()
            throw error
        }
    }

    /// Runs `body` with a bus whose server is up.
    static func withServer<Result>(tools: String, _ body: (BenchBus) async throws -> Result) async throws -> Result {
        try await with(tools: tools) { bus in
            try bus.startServer()
            return try await body(bus)
        }
    }

    private init(tools: String) throws {
        self.tools = tools
        directory = DataDirectory(path: try Directory.makeTemporary())
        port = try FreePort.find()
        var environment = Environment.all.filter {
            !$0.key.hasPrefix("CLAUDE") && !$0.key.hasPrefix("INTER_SESSION")
        }
        environment["INTER_SESSION_DATA_DIR"] = directory.path
        environment["INTER_SESSION_PORT"] = "\(port)"
        environment["INTER_SESSION_LIBEXEC"] = tools
        // Should the benchmark be killed, the server does not stay long.
        environment["INTER_SESSION_IDLE_MINUTES"] = "1"
        // A load is more than a loop of two agents may be.
        environment["INTER_SESSION_PAIR_LIMIT"] = "0"
        environment["INTER_SESSION_MAIL_MAX_MIB"] = "8192"
        self.environment = environment
    }

    var socket: String { directory.socket(port: port) }

    var server: Int32? {
        guard let content = try? File.read(directory.serverProcessID(port: port)) else { return nil }
        return Int32(String(decoding: content, as: UTF8.self).prefix { $0.isNumber })
    }

    // MARK: Processes

    /// Starts a tool as one of the sessions, its output thrown away.
    func start(
        _ tool: String,
        _ arguments: [String],
        session: Int = 1,
        errors: ChildProcess.Stream? = nil
    ) throws -> ChildProcess {
        let nothing = try Descriptor.openNull()
        return try ChildProcess.spawn(
            path(tool),
            arguments,
            environment: environment(of: session),
            streams: [.descriptor(nothing), .descriptor(nothing), errors ?? .inherited(2)]
        )
    }

    /// Starts a tool with a pipe on its output.
    func startReading(
        _ tool: String,
        _ arguments: [String],
        session: Int
    ) throws -> (output: Descriptor, process: ChildProcess) {
        let (read, write) = try Descriptor.pipe()
        let process = try ChildProcess.spawn(
            path(tool),
            arguments,
            environment: environment(of: session),
            streams: [.descriptor(try Descriptor.openNull()), .descriptor(write), .inherited(2)]
        )
        return (read, process)
    }

    /// Runs a tool to its end.
    func run(_ tool: String, _ arguments: [String], session: Int = 1) throws {
        let code = try start(tool, arguments, session: session).wait()
        guard code == 0 else { throw Failure(description: "\(tool) ended with exit code \(code)") }
    }

    private func path(_ tool: String) -> String { tool.contains("/") ? tool : "\(tools)/\(tool)" }

    private func environment(of session: Int) -> [String: String] {
        environment.merging(["INTER_SESSION_PPID_OVERRIDE": "\(session)"]) { $1 }
    }

    func startServer() throws {
        try directory.prepare()
        let log = try File.openForAppending(directory.serverLog)
        _ = try start("server", ["--port", "\(port)"], errors: .descriptor(log))
        let giveUp = ContinuousClock.now + Self.patience
        while (try? UnixSocket.connect(socket)) == nil {
            guard .now < giveUp else { throw Failure(description: "the server does not start") }
            SystemProcess.yield()
        }
    }

    func endServer() {
        guard let server else { return }
        SystemProcess.send(.terminate, to: server)
        let giveUp = ContinuousClock.now + Self.patience
        while SystemProcess.isAlive(server), .now < giveUp { SystemProcess.yield() }
    }
}

/// A real client of the bus.
struct BenchClient {
    let output: Descriptor
    let process: ChildProcess

    /// Returns when it is connected.
    init(_ bus: BenchBus, _ name: String, session: Int) throws {
        (output, process) = try bus.startReading("client", ["--name", name], session: session)
        _ = try line(containing: "connected as")
    }

    func line(containing text: String) throws -> String {
        let lines = output.readLines(within: BenchBus.patience) { $0.contains(text) }
        guard let line = lines.last, line.contains(text) else {
            throw BenchBus.Failure(description: "a client waits in vain for '\(text)': \(lines)")
        }
        return line
    }

    func end() {
        process.terminate()
        process.wait()
    }
}
