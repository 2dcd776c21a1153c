import Foundation
import InterSessionCore
import TestSupport
import Testing

/// What befalls a gateway from its disks, from one busy sender, and from the commands that it runs: it says so, goes on,
/// and keeps everybody's mail.
@Suite("faults of gateways")
struct GatewayFaultTests {

    private func gateway(
        _ agent: String,
        _ bus: TestBus,
        _ spool: String,
        _ arguments: String...,
        environment: [String: String] = [:]
    ) async throws -> RunningTool {
        let gateway = try bus.start(
            "gateway",
            ["--agent", agent, "--transport", "spool:\(spool)"] + arguments,
            key: 9,
            environment: environment
        )
        try await gateway.line(containing: "gateway of '\(agent)' is up")
        return gateway
    }

    /// Puts a body into a spool as another agent does.
    private func put(_ text: String, from agent: String, _ number: Int, into spool: String, for owner: String) throws {
        let name = "\(1000 + number).\(agent).json"
        let envelope = """
            {"envelope_version":"tinyplace.harness.session.v1","scope":{"key":"\(agent):"},
            "message":{"id":"\(agent)-\(number)","text":"\(text)"},"tp":{"v":1}}
            """
        let body = text.isEmpty ? text : envelope
        try Data(body.utf8).write(to: URL(filePath: "\(spool)/\(owner)/tmp/\(name)"))
        try FileManager.default.moveItem(
            atPath: "\(spool)/\(owner)/tmp/\(name)",
            toPath: "\(spool)/\(owner)/new/\(name)"
        )
    }

    private func files(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private func count(_ text: String, in tool: RunningTool) -> Int {
        tool.errors.split(separator: "\n").filter { $0.contains(text) }.count
    }

    @Test(
        "a full spool ends no gateway: it says so once, and goes on when there is room (needs root, to mount a small disk)",
        .needs(.root)
    )
    func fullSpool() async throws {
        try await TestBus.withPair { a, b, spool in
            try await SmallDisk.with(spool, kibibytes: 512) { disk in
                _ = try await a.connect("claude-1", key: 1)
                let receiver = try await b.connect("claude-1", key: 1)
                let sender = try await gateway("a", a, spool)
                let owner = try await gateway("b", b, spool)
                _ = try await eventually("b to be known") {
                    try await a.run("whoami", "--json", key: 1).output.contains(#""agents":["b"]"#) ? () : nil
                }
                try disk.fill()
                let sent = try await a.run("send", "--to", "@b", "--text", "through", key: 1)
                #expect(sent.code == 0)
                // The word that the owner is there is due every 10 s.
                for (tool, trouble) in [
                    (sender, "mail to 'b' cannot be forwarded"), (sender, "the spool cannot be told who owns it"),
                    (owner, "the spool cannot be told who owns it"),
                ] {
                    _ = try await eventually("word of the disk: \(tool.errors)") {
                        self.count(trouble, in: tool) > 0 || !tool.isRunning ? () : nil
                    }
                    #expect(tool.isRunning, "\(tool.errors)")
                }
                try disk.free()
                _ = try await eventually("the message", within: .seconds(60)) {
                    receiver.lines.contains { $0.contains("through") } ? () : nil
                }
                _ = try await eventually("word that it works again", within: .seconds(60)) {
                    self.count("it works again; before, the spool cannot be told", in: owner) == 1 ? () : nil
                }
                #expect(count("still trying", in: owner) == 1)
                #expect(receiver.lines.filter { $0.contains("through") }.count == 1)
            }
        }
    }

    @Test(
        "where what waits for a session cannot be kept, its transport keeps it, and others go on (needs root, to mount)",
        .needs(.root)
    )
    func fullDisk() async throws {
        try await TestBus.withPair { _, b, spool in
            let place = "\(b.data)/gateways/b.mail"
            let receiver = try await b.connect("claude-1", key: 1)
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try await SmallDisk.with(place, kibibytes: 64) { disk in
                let owner = try await gateway("b", b, spool)
                try disk.fill()
                // It has no text, so that it is to be kept as failed.
                try put("", from: "x", 1, into: spool, for: "b")
                _ = try await eventually("word of the disk") {
                    self.count("mail from outside cannot be kept", in: owner) > 0 || !owner.isRunning ? () : nil
                }
                try put("behind", from: "x", 2, into: spool, for: "b")
                try put("beside", from: "y", 1, into: spool, for: "b")
                _ = try await eventually("the message of another: \(owner.errors)") {
                    receiver.lines.contains { $0.contains("beside") } || !owner.isRunning ? () : nil
                }
                #expect(owner.isRunning, "\(owner.errors)")
                _ = try await eventually("the transport to keep what its sender has to wait with") {
                    self.files("\(spool)/b/claimed") == ["1001.x.json", "1002.x.json"] ? () : nil
                }
                #expect(!receiver.lines.contains { $0.contains("behind") })
                try disk.free()
                _ = try await eventually("what came after it", within: .seconds(60)) {
                    receiver.lines.contains { $0.contains("behind") } ? () : nil
                }
                #expect(files("\(place)/failed").count == 2)
                _ = try await eventually("all to be taken") { self.files("\(spool)/b/claimed").isEmpty ? () : nil }
                #expect(count("still trying", in: owner) == 1)
            }
        }
    }

    @Test("a spool that is removed is made again, and mail goes on", arguments: ["", "/b", "/b/claimed"])
    func removedSpool(part: String) async throws {
        try await TestBus.withPair { _, b, spool in
            let receiver = try await b.connect("claude-1", key: 1)
            let owner = try await gateway("b", b, spool)
            try put("before", from: "x", 1, into: spool, for: "b")
            try await receiver.line(containing: "before")
            _ = try await eventually("it to be taken") { self.files("\(spool)/b/claimed").isEmpty ? () : nil }
            // In one step: it is being used.
            try FileManager.default.moveItem(atPath: spool + part, toPath: "\(b.directory)/removed")
            try FileManager.default.removeItem(atPath: "\(b.directory)/removed")
            _ = try await eventually("the spool to be there again: \(owner.errors)") {
                ["new", "tmp", "claimed", "rejected", "owner"].allSatisfy(self.files("\(spool)/b").contains) ? () : nil
            }
            try put("after", from: "x", 2, into: spool, for: "b")
            try await receiver.line(containing: "after")
            #expect(owner.isRunning && receiver.lines.count == 3)
            // It is this gateway's, as before.
            let second = try b.start("gateway", "--agent", "b", "--transport", "spool:\(spool)", key: 9)
            try await second.line(containing: "is running already (pid \(owner.processID)")
            second.signal(SIGTERM)
            #expect(try await second.exitCode() == 0)
        }
    }

    /// When the limit is over, also for the next gateway: `AgentGatewayTests`.
    @Test("a sender that is limited holds nobody else up, however much it has sent, and what must wait is on disk")
    func limitedSender() async throws {
        try await TestBus.withPair { _, b, spool in
            let server = try b.start("server", [], key: 9, environment: ["INTER_SESSION_PAIR_LIMIT": "3"])
            _ = try await eventually("the server") { server.errors.contains("serving") ? () : nil }
            let receiver = try await b.connect("claude-1", key: 1)
            let owner = try await gateway("b", b, spool)
            for number in 1...200 { try put("m\(number).", from: "x", number, into: spool, for: "b") }
            try await receiver.line(containing: "m3.")
            try put("other", from: "y", 1, into: spool, for: "b")
            try await receiver.line(containing: "other")
            // What must wait is on this disk, also for the next gateway.
            _ = try await eventually("all to be taken") {
                self.files("\(spool)/b/new").isEmpty && self.files("\(spool)/b/claimed").isEmpty ? () : nil
            }
            #expect(files("\(b.data)/gateways/b.mail/held").count == 197)
            let texts = receiver.lines.compactMap { $0.firstMatch(of: /from="@x"\] (m\d+\.)/)?.1 }
            #expect(texts == ["m1.", "m2.", "m3."])
            #expect(owner.isRunning)
        }
    }

    @Test("answers leave no process behind, and their command gets nothing of a harness")
    func commands() async throws {
        try await TestBus.withPair { _, b, spool in
            // The server is somebody else's child: whoever started it is told of no child's end.
            let client = try await b.connect("claude-1", key: 1)
            client.signal(SIGTERM)
            try await client.exitCode()
            let secrets = ["ANTHROPIC_API_KEY": "s1", "CLAUDE_CODE_X": "s2", "GITHUB_TOKEN": "s3", "OPENAI_ORG": "s4"]
            for part in ["tmp", "new"] {
                try FileManager.default.createDirectory(atPath: "\(spool)/x/\(part)", withIntermediateDirectories: true)
            }
            let owner = try await gateway("b", b, spool, "--respond", "cat > /dev/null; env", environment: secrets)
            for number in 1...6 { try put("question \(number)", from: "x", number, into: spool, for: "b") }
            _ = try await eventually("the answers: \(owner.errors)") {
                self.files("\(spool)/x/new").count == 6 ? () : nil
            }
            _ = try await eventually("every command to be waited for: \(Self.zombies(of: owner.processID))") {
                Self.zombies(of: owner.processID).isEmpty ? () : nil
            }
            let answer = try String(contentsOfFile: "\(spool)/x/new/\(files("\(spool)/x/new")[0])", encoding: .utf8)
            #expect(answer.contains("INTER_SESSION_DATA_DIR=") && answer.contains("PATH="))
            for name in secrets.keys { #expect(!answer.contains(name)) }
        }
    }

    @Test("a message that names a session twice fails nothing that is accepted together with it")
    func namedTwice() async throws {
        try await TestBus.with { bus in
            let receiver = try await bus.connect("alpha", key: 1)
            let listed = try await bus.run("list", "--json", key: 1).output
            let id = String(try #require(listed.firstMatch(of: /"session_id":"([^"]+)"/)).1)
            let endpoint = BusEndpoint(
                directory: DataDirectory(path: bus.data),
                settings: try BusSettings(port: bus.port, environment: { _ in nil })
            )
            let socket = try #require(try endpoint.connectIfUp())
            let refs = try await BusConnection.withConnection(on: socket) { inbound, outbound in
                let hello = ClientFrame.Hello(
                    role: .gateway(.init(agent: "a", label: "test", policy: "primary")),
                    features: [.receipts, .acks, .keys, .gateways]
                )
                // Said at once, so that they are written in one batch.
                let mail = (1...20).map { number in
                    var message = ClientFrame.Outgoing("m\(number).")
                    message.key = "k\(number)"
                    let targets = number == 10 ? ["alpha", id] : ["alpha"]
                    let frame = ClientFrame.deliver(.init(from: "s\(number)@x\(number)", to: targets, message))
                    return ClientRequest(frame, ref: "\(number)")
                }
                try await outbound.write(contentsOf: [ClientRequest(.hello(hello))] + mail)
                var refs: [String?] = []
                for try await frame in inbound {
                    switch frame {
                    case .sent(let sent): refs.append(sent.ref)
                    case .error(let failure): refs.append("\(failure)")
                    default: continue
                    }
                    if refs.count == mail.count { break }
                }
                return refs
            }
            #expect(refs == (1...20).map { "\($0)" })
            try await receiver.line(containing: "m20.")
            #expect(receiver.lines.count == 21)
        }
    }

    /// The children of a process that have ended, and that it has not waited for.
    private static func zombies(of parent: Int32) -> [String] {
        let list = Process()
        let pipe = Pipe()
        list.executableURL = URL(filePath: "/bin/ps")
        list.arguments = ["-axo", "ppid=,stat=,comm="]
        list.standardOutput = pipe
        guard (try? list.run()) != nil else { return ["ps does not run"] }
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        list.waitUntilExit()
        let children: [Substring] = text.split(separator: "\n").filter { line in
            let fields = line.split(separator: " ")
            return fields.count > 2 && fields[0] == "\(parent)" && fields[1].hasPrefix("Z")
        }
        return children.map(String.init)
    }
}
