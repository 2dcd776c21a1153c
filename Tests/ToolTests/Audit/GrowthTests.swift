import Foundation
import InterSessionCore
import Platform
import Synchronization
import TestSupport
import Testing

/// What a day leaves behind: SQLite's log, logs, files of sessions that are gone, processes, descriptors.
///
/// A day in small: `INTER_SESSION_DAY=full swift test --filter GrowthTests`
@Suite("growth")
struct GrowthTests {
    private static let isFull = ProcessInfo.processInfo.environment["INTER_SESSION_DAY"] == "full"
    private static let joins = isFull ? 2000 : 200
    private static let messages = isFull ? 200_000 : 2000
    private static let polls = isFull ? 10_000 : 20
    private static let mebibyte = 1_048_576

    @Test("a day leaves no long log, no file, no process and no descriptor behind (needs Linux's /proc)", .needs(.proc))
    func day() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let server = try #require(bus.serverProcessID)
            // What is opened once, such as for the first checkpoint, is not what a day adds.
            try await visit("first", bus)
            let descriptors = try #require(ProcessMeter(server).descriptors)
            let longest = Mutex(0)
            let watching = Task {
                try? await eventually("the end of the day", within: .seconds(3600)) { () -> Void? in
                    let size = Self.logSize(bus)
                    longest.withLock { $0 = max($0, size) }
                    return nil
                }
            }
            defer { watching.cancel() }

            for number in 1...Self.joins { try await visit("visitor-\(number)", bus) }
            let accepted = LoadRecord()
            let receiver = try await LoadReceiver("receiver", key: 2, bus)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 1...4 {
                    tasks.addTask {
                        try await LoadSender("sender-\(number)", bus)
                            .send(Self.messages / 4, to: ["receiver"], accepted)
                    }
                }
                try await tasks.waitForAll()
            }
            try await receiver.expectAll(of: accepted.all)
            for poll in 1...Self.polls {
                let run = try await bus.run("inbox", "--name", "polling", key: 3)
                #expect(run.code == 0, "poll \(poll): \(run.errors)")
            }

            _ = try await eventually("the log to be short") { Self.logSize(bus) <= 4 * Self.mebibyte ? () : nil }
            watching.cancel()
            let most = longest.withLock { $0 }
            #expect(most <= 64 * Self.mebibyte)
            #expect(try zombies(below: server).isEmpty)
            _ = try await eventually("no more descriptors than at the start, but for the receiver's connection") {
                ProcessMeter(server).descriptors.map { $0 <= descriptors + 1 } ?? false ? () : nil
            }
            #expect(alpha.lines.count == 1)
            print("growth: \(most / Self.mebibyte) MiB of log at most, \(Self.logSize(bus)) bytes at rest")
        }
    }

    @Test(
        "files of sessions that are gone for longer than mail is kept go with the next server; those in use stay (needs libfaketime)",
        .needs(.libfaketime)
    )
    func clientFiles() async throws {
        try await TestBus.with { bus in
            // A bus removes only what is younger than its knowledge of the calendar, so this one begins before the files.
            let clock = try FakeClock(in: bus.directory, "-9d")
            let bus = try bus.withServer(by: clock)
            let alpha = try await bus.connect("alpha", key: 1)
            for (key, name) in [(2, "beta"), (3, "gamma")] {
                let client = try await bus.connect(name, key: key)
                client.signal(SIGKILL)
                try await client.exitCode()
            }
            let clients = "\(bus.data)/clients"
            let files = FileManager.default
            let old = Date(timeIntervalSinceNow: -8 * 86_400)
            for name in try files.contentsOfDirectory(atPath: clients) where !name.hasPrefix("3.") {
                try files.setAttributes([.modificationDate: old], ofItemAtPath: "\(clients)/\(name)")
            }
            // In steps that are no jumps of the calendar.
            for moment in ["-6d", "-3d"] {
                try clock.set(moment)
                let former = bus.serverProcessID
                for process in try bus.serverProcesses() { kill(process, SIGKILL) }
                _ = try await eventually("the next server", within: .seconds(30)) { () -> Void? in
                    guard bus.serverProcessID != former else { return nil }
                    return try await bus.run("list", key: 1).code == 0 ? () : nil
                }
            }
            try clock.set("+0")
            for process in try bus.serverProcesses() { kill(process, SIGKILL) }
            _ = try await eventually("the files of beta to be gone") {
                try files.contentsOfDirectory(atPath: clients).contains { $0.hasPrefix("2.") } ? nil : ()
            }
            let left = Set(try files.contentsOfDirectory(atPath: clients).map { $0.prefix { $0 != "." } })
            #expect(left == ["1", "3"])
            #expect(try await bus.run("list", key: 1).code == 0 && alpha.isRunning)
        }
    }

    @Test("server.log begins anew when it is long, while the server runs, and goes on in the new file")
    func serverLog() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let path = "\(bus.data)/server.log"
            let log = try FileHandle(forWritingTo: URL(filePath: path))
            try log.seekToEnd()
            try log.write(contentsOf: Data(repeating: UInt8(ascii: "x"), count: 5 * Self.mebibyte))
            try log.close()
            _ = try await eventually("the log to begin anew", within: .seconds(30)) {
                FileManager.default.fileExists(atPath: path + ".1") ? () : nil
            }
            _ = try await bus.connect("beta", key: 2)
            _ = try await eventually("the server to write into the new file") {
                bus.file("server.log").contains("joined") ? () : nil
            }
            #expect(bus.file("server.log").utf8.count < Self.mebibyte)
        }
    }

    private static func logSize(_ bus: TestBus) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: bus.mail + "-wal")
        return (attributes?[.size] as? Int) ?? 0
    }

    /// A session comes and goes.
    private func visit(_ name: String, _ bus: TestBus) async throws {
        let endpoint = BusEndpoint(
            directory: DataDirectory(path: bus.data),
            settings: try BusSettings(port: bus.port, environment: { _ in nil })
        )
        let socket = try await eventually("a server") { try endpoint.connectIfUp() }
        try await BusConnection.withConnection(on: socket) { inbound, outbound in
            let agent = ClientFrame.SessionIntroduction(sessionID: "id-\(name)", name: name)
            try await outbound.write(ClientRequest(.hello(.init(role: .agent(agent), nonce: "n"))))
            try await outbound.write(ClientRequest(.bye))
            do {
                for try await _ in inbound {}
            } catch BusError.closed(_, _) {
                // As agreed.
            }
        }
    }

    private func zombies(below parent: Int32) throws -> [String] {
        let list = Process()
        let pipe = Pipe()
        list.executableURL = URL(filePath: "/bin/ps")
        list.arguments = ["--ppid", "\(parent)", "-o", "stat=,pid=,comm="]
        list.standardOutput = pipe
        try list.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        list.waitUntilExit()
        return text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("Z") }
    }
}
