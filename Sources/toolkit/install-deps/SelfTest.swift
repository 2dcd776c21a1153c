import InterSessionCore
import Platform

/// Two real sessions on a bus of their own, one message each way: what the tools are for, with the tools themselves.
struct SelfTest {
    /// Far more than any machine needs; only a broken installation waits so long.
    private static let patience: Duration = .seconds(15)

    /// Where the tools are.
    let tools: String

    /// Runs it and takes everything away again.
    ///
    /// - Returns: the exchange and its latency, for the user.
    /// - Throws: ``InstallError/selfTest(step:said:)``.
    func run() throws -> String {
        let place = try Directory.makeTemporary()
        defer { Directory.removeAll(place) }
        // After the clients, which would start another.
        defer { Self.endServer(place) }
        let port = try FreePort.find()
        let alpha = try Session(name: "alpha", key: 1, place: place, port: port, tools: tools)
        defer { alpha.end() }
        let beta = try Session(name: "beta", key: 2, place: place, port: port, tools: tools)
        defer { beta.end() }
        for session in [alpha, beta] { _ = try session.line(containing: "connected as") }
        let there = try exchange("question: are you there?", from: alpha, to: beta)
        let back = try exchange("answer: yes, here I am", from: beta, to: alpha)
        return "self-test: two sessions talked\n\(there)\n\(back)"
    }

    private func exchange(_ text: String, from sender: Session, to receiver: Session) throws -> String {
        let start = ContinuousClock.now
        try sender.send(text, to: receiver.name)
        let line = try receiver.line(containing: text)
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        let tenths = Int((milliseconds * 10).rounded())
        return "  \(sender.name) -> \(receiver.name) in \(tenths / 10).\(tenths % 10) ms: \(line)"
    }

    private static func endServer(_ place: String) {
        for name in Directory.entries(place) where name.hasPrefix("server.") && name.hasSuffix(".pid") {
            guard let text = try? File.read("\(place)/\(name)"),
                let process = Int32(String(decoding: text, as: UTF8.self).split(separator: "\n").first ?? "")
            else { continue }
            ChildProcess(processID: process).terminate()
            // It removes its files last; until then it may still write into the directory that we remove.
            let giveUp = ContinuousClock.now + patience
            while SystemProcess.isAlive(process), ContinuousClock.now < giveUp { SystemProcess.yield() }
        }
    }

    /// A client that was started, to be ended in any case, and the tools of the same session.
    private struct Session {
        let name: String
        private let environment: [String: String]
        private let tools: String
        private let client: ChildProcess
        private let output: Descriptor

        init(name: String, key: Int, place: String, port: Int, tools: String) throws {
            self.name = name
            self.tools = tools
            var environment = Environment.all.filter {
                !$0.key.hasPrefix("CLAUDE") && !$0.key.hasPrefix("INTER_SESSION")
            }
            environment["INTER_SESSION_DATA_DIR"] = place
            environment["INTER_SESSION_PPID_OVERRIDE"] = "\(key)"
            environment["INTER_SESSION_PORT"] = "\(port)"
            // Should we be killed, the server does not stay long.
            environment["INTER_SESSION_IDLE_MINUTES"] = "1"
            self.environment = environment
            (output, client) = try Command("\(tools)/client", "--name", name).startReading(environment: environment)
        }

        func send(_ text: String, to target: String) throws {
            let (read, child) = try Command("\(tools)/send", "--to", target, "--text", text)
                .startReading(environment: environment)
            let said = String(decoding: try read.readAll(limit: 1 << 16), as: UTF8.self)
            guard child.wait() == 0 else { throw InstallError.selfTest(step: "send to \(target)", said: said) }
        }

        func line(containing text: String) throws -> String {
            let lines = output.readLines(within: SelfTest.patience) { $0.contains(text) }
            guard let line = lines.last, line.contains(text) else {
                throw InstallError.selfTest(step: "\(name) waits for '\(text)'", said: lines.joined(separator: "; "))
            }
            return line
        }

        func end() {
            client.terminate()
            client.wait()
        }
    }
}
