package import Foundation
import InterSessionCore
import Platform

/// A bus of one test: a data directory, a free port, and the tools that were built.
package struct TestBus: Sendable {
    package let directory: String
    package let port: Int
    /// Where its tools are.
    package let tools: String

    package init(directory: String, port: Int, tools: String = BuiltTools.directory.path) {
        self.directory = directory
        self.port = port
        self.tools = tools
    }

    /// Hands a fresh bus to `body`, and ends its server and all that `body` left running.
    package static func with(_ body: (TestBus) async throws -> Void) async throws {
        try await TemporaryDirectory.with { path in
            let bus = TestBus(directory: path, port: try FreePort.find())
            do {
                try await body(bus)
            } catch {
                bus.stopAll()
                print("server.log of the failed test:\n\(bus.file("server.log"))")
                throw error
            }
            bus.stopAll()
        }
    }

    /// Two buses, as on two machines, and a directory that both can write to.
    package static func withPair(_ body: (_ a: TestBus, _ b: TestBus, _ shared: String) async throws -> Void)
        async throws
    {
        try await TemporaryDirectory.with { path in
            let buses = try ["a", "b"].map { TestBus(directory: "\(path)/\($0)", port: try FreePort.find()) }
            for bus in buses {
                try FileManager.default.createDirectory(atPath: bus.directory, withIntermediateDirectories: false)
            }
            do {
                try await body(buses[0], buses[1], "\(path)/shared")
            } catch {
                for bus in buses { bus.stopAll() }
                for bus in buses { print("server.log of the failed test:\n\(bus.file("server.log"))") }
                throw error
            }
            for bus in buses { bus.stopAll() }
        }
    }

    /// Two buses in one data directory, each on a port of its own.
    package static func withTwoPorts(_ body: (_ first: TestBus, _ second: TestBus) async throws -> Void) async throws {
        try await with { first in
            let second = TestBus(directory: first.directory, port: try FreePort.find())
            defer { second.stopAll() }
            try await body(first, second)
        }
    }

    /// Runs a tool to its end, as the Claude Code session `key`.
    @discardableResult
    package func run(_ tool: String, _ arguments: String..., key: Int = 1, input: String = "") async throws -> ToolRun {
        try await run(tool, arguments, key: key, input: Data(input.utf8))
    }

    package func run(_ tool: String, _ arguments: [String], key: Int = 1, input: Data) async throws -> ToolRun {
        try await start(tool, arguments, key: key, input: input).finished()
    }

    /// Starts a tool and lets it run.
    package func start(_ tool: String, _ arguments: String..., key: Int = 1) throws -> RunningTool {
        try start(tool, arguments, key: key)
    }

    package func start(
        _ tool: String,
        _ arguments: [String],
        key: Int = 1,
        input: Data = Data(),
        environment extra: [String: String] = [:],
        workingDirectory: String? = nil
    ) throws -> RunningTool {
        try RunningTool(
            "\(tools)/\(tool)",
            arguments,
            environment: environment(key: key).merging(extra) { $1 },
            input: input,
            workingDirectory: workingDirectory,
            in: scratch
        )
    }

    /// A client that is connected.
    package func connect(_ name: String, _ arguments: String..., key: Int) async throws -> RunningTool {
        let client = try start("client", ["--name", name] + arguments, key: key)
        try await client.line(containing: "connected as")
        return client
    }

    /// Nothing of the Claude Code session in which the tests may run.
    package func environment(key: Int) -> [String: String] {
        var environment = Environment.outsideSession
        environment["INTER_SESSION_DATA_DIR"] = data
        environment["INTER_SESSION_PORT"] = "\(port)"
        environment["INTER_SESSION_PPID_OVERRIDE"] = "\(key)"
        // Tests send more than people do; the ones that are about the limit set it.
        environment["INTER_SESSION_PAIR_LIMIT"] = "0"
        return environment
    }

    package var data: String { "\(directory)/data" }

    /// The text of a file in the data directory; empty when there is none.
    package func file(_ name: String) -> String {
        (try? String(contentsOfFile: "\(data)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Where the bus keeps its mail.
    package var mailDirectory: String { "\(data)/bus.\(port)" }
    /// The database, also that of a server of 0.1.0.
    package var mail: String {
        let own = "\(mailDirectory)/mail.sqlite"
        return FileManager.default.fileExists(atPath: own) ? own : "\(data)/mail.sqlite"
    }
    package var messageLog: String { file("bus.\(port)/messages.log") }

    package var serverProcessID: Int32? {
        Int32(file("server.\(port).pid").trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// The servers of this bus that are running, found by their command lines.
    package func serverProcesses() throws -> [Int32] {
        try processes { $0.contains("/server ") && $0.contains("--port \(port) ") }
    }

    private func processes(where isWanted: (Substring) -> Bool) throws -> [Int32] {
        let list = Process()
        let pipe = Pipe()
        list.executableURL = URL(filePath: "/bin/ps")
        list.arguments = ["-axww", "-o", "pid=,args="]
        list.standardOutput = pipe
        try list.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        list.waitUntilExit()
        return text.split(separator: "\n").filter(isWanted)
            .compactMap { Int32($0.split(separator: " ")[0]) }
    }

    private var scratch: String { directory }

    /// The gateways whose spool is in a directory of this test.
    private func gatewayProcesses() throws -> [Int32] {
        let shared = URL(filePath: directory).deletingLastPathComponent().appending(path: "shared").path
        return try processes { line in
            line.contains("/gateway ") && (line.contains("spool:\(directory)/") || line.contains("spool:\(shared)"))
        }
    }

    private func stopAll() {
        // Before the owners, which they would follow.
        for process in (try? gatewayProcesses()) ?? [] { kill(process, SIGKILL) }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(data)/clients")) ?? []
        where name.hasSuffix(".session") {
            let state = file("clients/\(name)")
            if let match = state.firstMatch(of: /"listener_pid":(\d+)/), let process = Int32(match.1) {
                kill(process, SIGKILL)
            }
        }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(data)/gateways")) ?? []
        where name.hasSuffix(".owner") {
            if let match = file("gateways/\(name)").firstMatch(of: /"pid":(\d+)/), let process = Int32(match.1) {
                kill(process, SIGKILL)
            }
        }
        for process in (try? serverProcesses()) ?? [] { kill(process, SIGKILL) }
    }
}

/// How a tool ended, and what it said.
package struct ToolRun: Sendable {
    package let code: Int32
    package let output: String
    package let errors: String
}
