import Foundation
import InterSessionCore
import TestSupport
import Testing

/// Mail as people and agents meet it: through the tools.
@Suite("mail tools")
struct MailToolsTests {
    private func leave(_ client: RunningTool) async throws {
        client.signal(SIGTERM)
        try await client.exitCode()
    }

    @Test("mail waits for a session whose monitor has ended, and comes in order when it is started again")
    func awayAndBack() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let seen = try await bus.run("send", "--to", "beta", "--text", "first", key: 1)
            #expect(seen.output.hasSuffix(", seen)\n"))
            try await leave(beta)
            for text in ["second", "third"] {
                let queued = try await bus.run("send", "--to", "beta", "--text", text, key: 1)
                #expect(queued.code == 0)
                #expect(queued.output.contains(#/, queued: beta is offline since \d+s\)/#))
            }
            let again = try await bus.connect("beta", key: 2)
            try await again.line(containing: "third")
            let news = again.lines.dropFirst().map { $0.replacing(#/msg=\w+ /#, with: "") }
            #expect(
                news == [
                    "[inter-session] 2 messages arrived while this session was away",
                    #"[inter-session from="alpha"] second"#,
                    #"[inter-session from="alpha"] third"#,
                ]
            )
            try await leave(again)
            let third = try await bus.connect("beta", key: 2)
            try await bus.run("send", "--to", "beta", "--text", "fourth", key: 1)
            try await third.line(containing: "fourth")
            #expect(third.lines.count == 2, "nothing comes twice")
        }
    }

    @Test("a name that was never here is refused with the nearest; --no-hold refuses who is away")
    func refused() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            try await leave(try await bus.connect("payments", key: 2))
            let typo = try await bus.run("send", "--to", "paymnets", "--text", "x", key: 1)
            #expect(typo.code == 1 && typo.output.isEmpty)
            #expect(typo.errors.contains("unknown_peer") && typo.errors.contains("did you mean 'payments'?"))
            let away = try await bus.run("send", "--to", "payments", "--no-hold", "--text", "x", key: 1)
            #expect(away.code == 1 && away.errors.contains("'payments' is offline since"))
        }
    }

    @Test(
        "what cannot be meant is a bad argument",
        arguments: [["--wait", "0"], ["--wait", "x"], ["--re", "no id"]]
    )
    func badArguments(arguments: [String]) async throws {
        try await TestBus.with { bus in
            let run = try await bus.run("send", ["--to", "beta", "--text", "x"] + arguments, key: 1, input: Data())
            #expect(run.code == 64 && run.errors.split(separator: "\n").count == 1)
        }
    }

    @Test("two programs that answer each other stop, and both sessions read why")
    func loop() async throws {
        try await TestBus.with { bus in
            // A monitor whose reader answers each message at once.
            let responder = """
                "$1" --name "$2" | while read -r line; do
                    echo "$line"
                    id=${line#*msg=}
                    case $line in *' from="'*) "$3" --to "$4" --re "${id%% *}" --auto --text answer;; esac
                done
                """
            func respond(_ name: String, to other: String, key: Int) throws -> RunningTool {
                try RunningTool(
                    "/bin/sh",
                    ["-c", responder, "sh", BuiltTools.path("client"), name, BuiltTools.path("send"), other],
                    environment: bus.environment(key: key),
                    in: bus.directory
                )
            }
            let responders = [try respond("alpha", to: "beta", key: 1), try respond("beta", to: "alpha", key: 2)]
            for responder in responders { try await responder.line(containing: "connected as") }
            _ = try await bus.connect("human", key: 3)
            #expect(try await bus.run("send", "--to", "beta", "--text", "start", key: 3).code == 0)
            try await bus.run("send", "--to", "alpha", "--text", "start", key: 3)
            for responder in responders {
                let reason = try await responder.line(containing: "were stopped")
                #expect(reason.hasPrefix("[inter-session] messages between"))
                #expect(reason.contains("hop_limit"))
            }
            let automatic = responders.map { $0.lines.filter { $0.contains(" auto] ") }.count }
            #expect(automatic.allSatisfy { $0 <= 8 })
        }
    }

    @Test("without a monitor the inbox takes the mail, once; a look leaves it there")
    func inbox() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            #expect(try await bus.run("inbox", "--name", "beta", key: 2).output.isEmpty, "now the name is known")
            for text in ["one", "two \"quoted\""] {
                #expect(try await bus.run("send", "--to", "beta", "--text", text, key: 1).output.contains("queued"))
            }
            let look = try await bus.run("inbox", "--name", "beta", "--peek", key: 2)
            #expect(look.output.contains("] one\n"))
            let taken = try await bus.run("inbox", "--name", "beta", "--json", key: 2)
            let texts = try taken.output.split(separator: "\n").map { line in
                (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["text"] as? String
            }
            #expect(taken.code == 0 && texts == ["one", "two \"quoted\""])
            for arguments in [["--name", "beta"], ["--name", "beta", "--peek"]] {
                #expect(try await bus.run("inbox", arguments, key: 2, input: Data()).output.isEmpty)
            }
            let withMonitor = try await bus.run("inbox", key: 1)
            #expect(withMonitor.code == 1 && withMonitor.errors.contains("a monitor of this session runs as 'alpha'"))
        }
    }

    @Test("show prints a text byte for byte, with messages.log gone and no session on the bus")
    func show() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let text = "\u{1B}[31m\"é\"\r\n\t" + String(repeating: "long ", count: 20_000) + "\n\n"
            let id = try #require(try await bus.run("send", "--to", "beta", key: 1, input: text).output.messageID)
            try await beta.line(containing: "cont] full text")
            for client in [alpha, beta] { try await leave(client) }
            try FileManager.default.removeItem(atPath: "\(bus.mailDirectory)/messages.log")
            let shown = try await bus.run("show", id, key: 9)
            #expect(shown.code == 0 && Array(shown.output.utf8) == Array(text.utf8))
            let unknown = try await bus.run("show", "aaaaaaaaaa", key: 9)
            #expect(unknown.code == 1 && unknown.errors.contains("unknown_message"))
            #expect(try await bus.run("show", "../token", key: 9).code == 64)
        }
    }

    @Test("log finds messages by their words, their sessions and their age")
    func log() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            _ = try await bus.connect("beta", key: 2)
            _ = try await bus.connect("gamma", key: 3)
            try await bus.run("send", "--to", "beta", "--text", "the Parser tests\nfail", key: 1)
            try await bus.run("send", "--to", "gamma", "--text", "lunch?", key: 2)
            func log(_ arguments: String...) async throws -> [Substring] {
                let run = try await bus.run("log", arguments, key: 1, input: Data())
                #expect(run.code == 0, "\(run.errors)")
                return run.output.split(separator: "\n")
            }
            let all = try await log()
            #expect(all.count == 2 && all[0].hasSuffix(" alpha -> beta [seen] the Parser tests↵fail"))
            #expect(try await log("--grep", "fail parser").count == 1)
            #expect(try await log("--grep", "fail \" OR lunch*").isEmpty)
            #expect(try await log("--with", "gamma").count == 1)
            #expect(try await log("--since", "1h", "--limit", "1") == all.suffix(1))
            #expect(try await log("--json").allSatisfy { $0.hasPrefix("{") && $0.contains(#""deliveries":[{"#) })
            #expect(try await bus.run("log", "--since", "soon", key: 1).code == 64)
        }
    }

    @Test("disconnect frees the name at once, and ends a listener that hangs")
    func disconnect() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            #expect(try await bus.run("disconnect", key: 2).output == "disconnected 'beta'\n")
            #expect(try await beta.exitCode() == 0)
            try await beta.line(containing: "disconnected by request")
            let again = try await bus.connect("beta", key: 2)
            #expect(again.lines[0].contains("connected as 'beta'"))

            again.signal(SIGSTOP)
            #expect(try await bus.run("disconnect", key: 2).output == "disconnected 'beta'\n")
            try await again.exitCode()
            #expect(try await bus.run("list", "--self", key: 2).output == "not connected\n")
            #expect(try await bus.run("disconnect", key: 2).errors.contains("not connected"))
        }
    }

    @Test("disconnect leaves a process alone that is not our client")
    func foreignProcess() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let state = bus.file("clients/1.session")
            let other = try RunningTool("/bin/sleep", ["60"], environment: [:], in: bus.directory)
            let client = try #require(state.firstMatch(of: /"listener_pid":(\d+)/)).1
            let forged = state.replacing("\"listener_pid\":\(client)", with: "\"listener_pid\":\(other.processID)")
            try forged.write(toFile: "\(bus.data)/clients/1.session", atomically: true, encoding: .utf8)
            kill(Int32(client) ?? 0, SIGSTOP)
            let run = try await bus.run("disconnect", key: 1)
            #expect(run.code == 1 && run.errors.contains("not the client of this"))
            #expect(other.isRunning)
            kill(Int32(client) ?? 0, SIGKILL)
            other.signal(SIGKILL)
        }
    }

    @Test("rename keeps the connection and the mail, and the session's tools know the new name")
    func rename() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            #expect(try await bus.run("rename", "gamma", key: 2).output == "renamed to 'gamma'\n")
            #expect(try await bus.run("list", "--self", key: 2).output.hasPrefix("name=gamma "))
            try await bus.run("send", "--to", "gamma", "--text", "to the new name", key: 1)
            try await beta.line(containing: "to the new name")
            let taken = try await bus.run("rename", "alpha", key: 2)
            #expect(taken.code == 1 && taken.errors.contains("name_taken"))
            #expect(try await bus.run("rename", "No", key: 2).code == 64)

            // The other way: leave, and come back with another name.
            try await leave(beta)
            try await bus.run("send", "--to", "gamma", "--text", "in between", key: 1)
            let back = try bus.start(
                "client",
                ["--name", "delta"],
                key: 2,
                environment: ["CLAUDE_CODE_SESSION_ID": try sessionID(beta)]
            )
            try await back.line(containing: "in between")
        }
    }

    private func sessionID(_ client: RunningTool) throws -> String {
        String(try #require(client.output.firstMatch(of: /session_id=(\w+)/)).1)
    }

    @Test("a session that gives no name gets back the one that it had")
    func stableName() async throws {
        try await TestBus.with { bus in
            let environment = ["CLAUDE_CODE_SESSION_ID": "session-of-claude"]
            let named = try bus.start("client", ["--name", "mine"], key: 1, environment: environment)
            try await named.line(containing: "connected as 'mine'")
            try await leave(named)
            let again = try bus.start("client", [], key: 1, environment: environment)
            try await again.line(containing: "connected as 'mine'")
            #expect(again.lines[0] == "[inter-session] no name given; using 'mine'")
        }
    }

    @Test("list shows who is away with what waits, and processes and idle times")
    func list() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            try await leave(try await bus.connect("beta", key: 2))
            try await bus.run("send", "--to", "beta", "--text", "x", key: 1)
            #expect(!(try await bus.run("list", key: 1).output.contains("beta")))
            let all = try await bus.run("list", "--all", key: 1).output.split(separator: "\n")
            #expect(all.count == 3 && all[2].contains(#/^beta .* away +1 /#))
            let long = try await bus.run("list", "--long", key: 1).output
            #expect(long.contains("PID") && long.contains(" \(alpha.processID) ") && long.contains(#/ \d+s /#))
        }
    }

    @Test("a new session is told what waits for it")
    func sessionStart() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let environment = ["CLAUDE_CODE_SESSION_ID": "session-of-beta"]
            let beta = try bus.start("client", ["--name", "beta"], key: 2, environment: environment)
            try await beta.line(containing: "connected as")
            try await leave(beta)
            for text in ["please \"look\"\nat this", "and this"] {
                try await bus.run("send", "--to", "beta", "--text", text, key: 1)
            }
            // The debug build of a loaded machine may be late; then it says nothing, as it should.
            let input = Data(#"{"session_id":"session-of-beta","cwd":"/tmp"}"#.utf8)
            let context = try await eventually("the hint") {
                let hook = try await bus.start("session-start", [], key: 2, input: input).finished()
                return hook.output.contains("wait for this session") ? hook.output : nil
            }
            #expect(context.contains("2 messages wait for this session (from alpha), the first:"))
            #expect(context.contains(#"\"please 'look'↵at this\""#))
            // It has only looked.
            let again = try bus.start("client", [], key: 2, environment: environment)
            try await again.line(containing: "and this")
        }
    }
}
