import Foundation
import InterSessionCore
import TestSupport
import Testing

/// Two buses and what is between them, as their users see it.
@Suite("gateway")
struct GatewayToolTests {
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

    /// Waits until the bus knows the other agent.
    private func meet(_ agent: String, _ bus: TestBus, key: Int = 1) async throws {
        _ = try await eventually("'\(agent)' to be known") {
            try await bus.run("whoami", "--json", key: key).output.contains(#""agents":["\#(agent)"]"#) ? () : nil
        }
    }

    @Test("a message to claude:2@b surfaces in that session alone, and its reply comes back with re=")
    func conversation() async throws {
        try await TestBus.withPair { a, b, spool in
            let asker = try await a.connect("claude-1", key: 1)
            let bystander = try await a.connect("claude-2", key: 2)
            let other = try await b.connect("claude-1", key: 1)
            let asked = try await b.connect("claude-2", key: 2)
            _ = try await gateway("a", a, spool)
            _ = try await gateway("b", b, spool)
            try await meet("b", a)
            try await meet("a", b)

            let sent = try await a.run("send", "--to", "claude:2@b", "--text", "question: hi?", key: 1)
            #expect(sent.code == 0 && sent.output.contains("sent -> claude:2@b"))
            // `send` itself says so where the gateway is fast enough for it.
            _ = try await eventually("the message to be forwarded") {
                try await a.run("log", "--json", key: 1).output.contains(#""state":"forwarded""#) ? () : nil
            }
            let question = try await asked.line(containing: "question: hi?")
            #expect(question.contains(#"from="claude-1@a"]"#))
            let answer = try await b.run(
                "send",
                "--to",
                "claude-1@a",
                "--re",
                try #require(question.messageID),
                "--text",
                "yes",
                key: 2
            )
            #expect(answer.code == 0)
            let line = try await asker.line(containing: "yes")
            let questionID = try #require(sent.output.messageID)
            #expect(line.contains("re=\(questionID)") && line.contains(#"from="claude-2@b""#))

            // A question that is waited for, and is answered by a reply to what arrived there.
            async let waiting = a.run("send", "--to", "claude:1@b", "--text", "what?", "--wait", "30", key: 2)
            let second = try await other.line(containing: "what?")
            let secondID = try #require(second.messageID)
            _ = try await b.run("send", "--to", "claude-2@a", "--re", secondID, "--text", "42", key: 1)
            let waited = try await waiting
            #expect(waited.code == 0 && waited.output == "42\n")

            // One that names nobody goes to the lowest label.
            _ = try await a.run("send", "--to", "b", "--text", "to whom it may concern", key: 1)
            try await other.line(containing: "to whom it may concern")
            #expect(asked.lines.count == 2 && bystander.lines.count == 1 && asker.lines.count == 2)
        }
    }

    @Test("a message to a session that was not started yet is held, through a restart of the gateway, and arrives once")
    func held() async throws {
        try await TestBus.withPair { a, b, spool in
            _ = try await a.connect("claude-1", key: 1)
            _ = try await b.connect("claude-1", key: 1)
            _ = try await gateway("a", a, spool)
            let first = try await gateway("b", b, spool)
            try await meet("b", a)
            for text in ["one", "two"] { _ = try await a.run("send", "--to", "claude:3@b", "--text", text, key: 1) }
            let store = "\(b.data)/gateways/b.mail/held"
            _ = try await eventually("both to be held") {
                try FileManager.default.contentsOfDirectory(atPath: store).filter { $0.hasSuffix(".json") }.count == 2
                    ? () : nil
            }
            first.signal(SIGKILL)
            try await first.exitCode()
            _ = try await gateway("b", b, spool)
            let late = try await b.connect("claude-3", key: 3)
            try await late.line(containing: "two")
            #expect(late.lines.filter { $0.contains("claude-1@a") }.map { $0.suffix(3) } == ["one", "two"])
            _ = try await eventually("nothing to be held any more") {
                try FileManager.default.contentsOfDirectory(atPath: store).isEmpty ? () : nil
            }
        }
    }

    @Test("the environment decides what becomes of mail that names nobody, and a wrong policy is refused")
    func policy() async throws {
        try await TestBus.withPair { a, b, spool in
            _ = try await a.connect("claude-1", key: 1)
            let here = [try await b.connect("claude-1", key: 1), try await b.connect("claude-2", key: 2)]
            _ = try await gateway("a", a, spool)
            _ = try await gateway("b", b, spool, environment: ["INTER_SESSION_UNROUTED_POLICY": "broadcast"])
            try await meet("b", a)
            _ = try await a.run("send", "--to", "@b", "--text", "to all", key: 1)
            for session in here { try await session.line(containing: "to all") }
            let wrong = try await b.start(
                "gateway",
                ["--agent", "x", "--transport", "spool:\(spool)"],
                environment: ["INTER_SESSION_UNROUTED_POLICY": "all"]
            ).finished()
            #expect(wrong.code == 64 && wrong.errors.contains("primary, broadcast, drop"))
        }
    }

    @Test("what cannot be forwarded comes back as a notice, and unknown agents are refused at once")
    func givenBack() async throws {
        try await TestBus.withPair { a, _, spool in
            let client = try await a.connect("claude-1", key: 1)
            try FileManager.default.createDirectory(atPath: "\(spool)/b/new", withIntermediateDirectories: true)
            _ = try await gateway("a", a, spool, "--retry-seconds", "1")
            try await meet("b", a)
            let unknown = try await a.run("send", "--to", "x@c", "--text", "x", key: 1)
            #expect(unknown.code == 1 && unknown.errors.contains("no gateway knows the agent 'c'; up: a"))
            // There is no directory tmp to write in.
            let sent = try await a.run("send", "--to", "x@b", "--text", "x", key: 1)
            #expect(sent.code == 0 && sent.output.contains("delivered"))
            let notice = try await client.line(containing: "was not delivered")
            let messageID = try #require(sent.output.messageID)
            #expect(notice.contains(messageID) && notice.contains("to x@b"))
            let shown = try await a.run("log", "--json", key: 1)
            #expect(shown.output.contains(#""state":"returned""#))
        }
    }

    @Test("it leaves when nobody was there for so long, and mail waits for the next one")
    func leaves() async throws {
        try await TestBus.withPair { a, b, spool in
            _ = try await a.connect("claude-1", key: 1)
            _ = try await b.connect("claude-1", key: 1)
            _ = try await gateway("b", b, spool)
            let short = try await gateway("a", a, spool)
            try await meet("b", a)
            short.signal(SIGTERM)
            #expect(try await short.exitCode() == 0)
            let queued = try await a.run("send", "--to", "claude-1@b", "--text", "later", key: 1)
            #expect(queued.output.contains("queued: the gateway is offline since"))
            #expect(try await a.run("list", "--all", key: 1).output.contains("away   b"))
            _ = try await a.run("disconnect", key: 1)
            let alone = try await gateway("a", a, spool, "--idle-seconds", "1")
            #expect(try await alone.exitCode() == 0)
            _ = try await eventually("the message to be forwarded") {
                try await b.run("log", "--json", key: 1).output.contains("later") ? () : nil
            }
        }
    }

    @Test("a command answers while no session is there, never an automatic message, and a failure is kept")
    func responds() async throws {
        try await TestBus.withPair { a, b, spool in
            let client = try await a.connect("claude-1", key: 1)
            _ = try await gateway("a", a, spool)
            let command = """
                input=$(cat); case $input in *fail*) echo "no \\$HOME today" >&2; exit 7;; *quiet*) exit 0;; esac
                printf 'answer to: %s\\n\\n' "$(printf %s "$input" | sed 's/.*"text":"\\([^"]*\\)".*/\\1/')"
                """
            _ = try await gateway("b", b, spool, "--respond", command, "--respond-pool", "2")
            try await meet("b", a)
            let asked = try await a.run("send", "--to", "claude:2@b", "--text", "who; rm -rf / $(id)", key: 1)
            let question = try #require(asked.output.messageID)
            let answer = try await client.line(containing: "answer to:")
            #expect(
                answer.hasSuffix("auto] answer to: who; rm -rf / $(id)")
                    && answer.contains("re=\(question)")
            )
            #expect(answer.contains(#"from="@b""#))
            let waited = try await a.run("send", "--to", "@b", "--text", "and now?", "--wait", "30", key: 1)
            #expect(waited.output == "answer to: and now?\n")

            _ = try await a.run("send", "--to", "@b", "--text", "fail", key: 1)
            let failed = "\(b.data)/gateways/b.mail/failed"
            let reason = try await eventually("the failure to be kept") {
                try FileManager.default.contentsOfDirectory(atPath: failed).first { $0.hasSuffix(".stderr") }
            }
            #expect(try String(contentsOfFile: "\(failed)/\(reason)", encoding: .utf8) == "no $HOME today\n")
            let letter = try String(contentsOfFile: "\(failed)/\(reason.dropLast(7)).json", encoding: .utf8)
            #expect(letter.contains(#""text":"fail""#))

            // An automatic one waits for a session.
            _ = try await a.run("send", "--auto", "--to", "@b", "--text", "quiet please", key: 1)
            let session = try await b.connect("claude-1", key: 1)
            try await session.line(containing: "auto] quiet please")
            #expect(client.lines.filter { $0.contains("auto] answer to:") }.count == 1)
            // Who is there answers for himself.
            _ = try await a.run("send", "--to", "@b", "--text", "still there?", key: 1)
            try await session.line(containing: "still there?")
        }
    }

    @Test("whoami says who this session is here and outside, and whom the user trusts; what they send is marked")
    func whoami() async throws {
        try await TestBus.withPair { a, b, spool in
            #expect(try await a.run("whoami", key: 1).code == 1)
            let client = try await a.connect("claude-1", key: 1)
            #expect(try await a.run("whoami", key: 1).output.contains("local (no gateway is up)"))
            _ = try await b.connect("claude-1", key: 1)
            let owner = try await gateway("a", a, spool)
            _ = try await gateway("b", b, spool)
            try await meet("a", b)
            try await meet("b", a)
            _ = try await b.run("send", "--to", "claude-1@a", "--text", "before", key: 1)
            let before = try await client.line(containing: "before")
            #expect(before.contains(#"from="claude-1@b"]"#))
            try Data(#"{"trusted_agents":["b"],"idle_shutdown_minutes":5}"#.utf8)
                .write(to: URL(filePath: "\(a.data)/config.json"))
            _ = try await b.run("send", "--to", "claude-1@a", "--text", "after", key: 1)
            let after = try await client.line(containing: "after")
            #expect(after.contains(#"from="claude-1@b" trusted]"#))

            let object = try JSONObject(try await a.run("whoami", "--json", key: 1).output)
            #expect(try object.string("agent") == "a" && object.string("label") == "claude-1")
            #expect(try object.string("mode") == "gateway" && object.strings("trusted_agents") == ["b"])
            #expect(try object.objects("live_sessions")?.count == 1)
            let gateway = try #require(try object.objects("gateways")?.first)
            #expect(try gateway.integer("pid") == Int(owner.processID) && gateway.strings("agents") == ["b"])
            #expect(try gateway.string("policy") == "primary")
        }
    }

    @Test(
        "bad arguments are refused",
        arguments: [
            ["--transport", "stdio"], ["--agent", "a/b", "--transport", "stdio"],
            ["--agent", "a", "--transport", "smtp"],
            ["--agent", "a", "--transport", "spool:"], ["--agent", "a", "--transport", "stdio", "--respond-pool", "0"],
            ["--agent", "a", "--transport", "stdio", "--respond", ""],
        ]
    )
    func badArguments(arguments: [String]) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run("gateway", arguments, input: Data())
            #expect(run.code == 64 && run.errors.hasPrefix("error: "))
        }
    }

    @Test("what does not belong into a spool is put aside, and what is no envelope is text")
    func strangeFiles() async throws {
        try await TestBus.withPair { a, _, spool in
            let client = try await a.connect("claude-1", key: 1)
            _ = try await gateway("a", a, spool)
            let place = "\(spool)/a/new"
            let files = FileManager.default
            try files.createSymbolicLink(atPath: "\(place)/1.b.json", withDestinationPath: "/etc/passwd")
            try files.createDirectory(atPath: "\(place)/2.b.json", withIntermediateDirectories: false)
            for (name, text) in [(".hidden", "no"), ("x.tmp", "no"), ("3.b.txt", "plain\ntext"), ("4", "from nobody")] {
                try Data(text.utf8).write(to: URL(filePath: "\(spool)/a/tmp/\(name)"))
                try files.moveItem(atPath: "\(spool)/a/tmp/\(name)", toPath: "\(place)/\(name)")
            }
            try await client.line(containing: #"from="@b"] plain↵text"#)
            try await client.line(containing: #"from="@?"] from nobody"#)
            _ = try await eventually("both to be put aside") {
                try files.contentsOfDirectory(atPath: "\(spool)/a/rejected").count == 2 ? () : nil
            }
            #expect(try files.contentsOfDirectory(atPath: place).sorted() == [".hidden", "x.tmp"])
            #expect(client.lines.count == 3)
            let answer = try await a.run("send", "--to", "@?", "--text", "who?", key: 1)
            #expect(answer.code == 1 && answer.errors.contains("cannot be answered"))
        }
    }
}
