import Platform
import TestSupport
import Testing

@testable import InterSessionCore

@Suite("identity")
struct IdentityTests {
    @Test("a name is 1 to 40 of a-z, 0-9 and -, and does not begin with -")
    func names() {
        for name in ["a", "0", "a-b-", "claude-2", String(repeating: "x", count: 40)] {
            #expect(SessionName(rawValue: name) != nil, "\(name)")
        }
        for name in ["", "-a", "A", "a b", "a_b", "é", "a\n", "a.b", String(repeating: "x", count: 41)] {
            #expect(SessionName(rawValue: name) == nil, "\(name)")
        }
    }

    @Test(
        "a directory suggests a name",
        arguments: [
            ("/home/me/My Project_2", "my-project-2"), ("/home/me/--x--/", "x"), ("/srv/Ünï.code", "n-code"),
            ("/", nil), ("", nil), ("/日本", nil),
            ("/" + String(repeating: "ab-", count: 30), String(repeating: "ab-", count: 11) + "ab"),
        ] as [(String, String?)]
    )
    func suggestions(directory: String, name: String?) {
        #expect(SessionName(suggestedBy: directory)?.rawValue == name)
    }

    @Test("candidates are the first three free, also of the longest name")
    func candidates() throws {
        let name = try #require(SessionName(rawValue: "a"))
        #expect(name.candidates { $0.rawValue == "a-3" }.map(\.rawValue) == ["a-2", "a-4", "a-5"])
        let longest = try #require(SessionName(rawValue: String(repeating: "x", count: 40)))
        #expect(longest.candidates { _ in false }.map(\.rawValue.count) == [40, 40, 40])
    }

    @Test("a label is up to 60 code points in NFC on one line")
    func labels() {
        #expect(SessionLabel(rawValue: "e\u{301}")?.rawValue.unicodeScalars.count == 1)
        #expect(SessionLabel(rawValue: String(repeating: "é", count: 60)) != nil)
        #expect(SessionLabel(rawValue: String(repeating: "e\u{301}", count: 60)) != nil)
        #expect(SessionLabel(rawValue: String(repeating: "é", count: 61)) == nil)
        for scalar
            in "\n\r\t\u{0}\u{1B}\u{7F}\u{85}\u{A0}\u{AD}\u{200B}\u{200D}\u{202E}\u{2028}\u{2029}\u{2066}\u{3000}\u{FEFF}"
            .unicodeScalars
        {
            #expect(SessionLabel(rawValue: "a\(scalar)b") == nil, "U+\(String(scalar.value, radix: 16))")
        }
    }

    @Test("message ids rise, are ten characters, and are unique when the clock stands still or goes back")
    func messageIDs() throws {
        var ids = MessageID.Sequence(after: nil)
        let now = Timestamp.now()
        let past = Timestamp(microseconds: now.microseconds - 3_600_000_000)
        let given = [ids.next(at: now), ids.next(at: now), ids.next(at: past)]
        #expect(given == given.sorted() && Set(given).count == 3)
        #expect(given.allSatisfy { $0.description.wholeMatch(of: /[0-9a-z]{10}/) != nil })
        var later = MessageID.Sequence(after: given[2])
        #expect(later.next(at: past) > given[2])
        #expect(MessageID(given[0].description) == given[0])
    }

    @Test(
        "a time is written as ISO 8601 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999Z"), (4_102_444_800_001_000, "2100-01-01T00:00:00.001Z"),
            (1_798_761_599_000_000, "2026-12-31T23:59:59.000Z"),
        ] as [(UInt64, String)]
    )
    func timestamps(microseconds: UInt64, text: String) {
        #expect(Timestamp(microseconds: microseconds).iso8601 == text)
    }

    @Test("a secret equals itself alone")
    func secrets() {
        for (guess, isRight) in [
            ("secret", true), ("secreT", false), ("secre", false), ("secrets", false), ("", false),
        ] {
            #expect(Secret.isEqual(guess, "secret") == isRight)
        }
        #expect(Secret.urlSafe(bytes: 32).utf8.count == 43)
        #expect(Secret.hexadecimal(bytes: 16) != Secret.hexadecimal(bytes: 16))
    }

    @Test("the token is made once, private, and read by the next")
    func token() async throws {
        try await TemporaryDirectory.with { path in
            let directory = DataDirectory(path: path)
            let first = try BearerToken(of: directory)
            let text = String(decoding: try File.read(directory.token), as: UTF8.self)
            #expect(first.matches(text) && !first.matches(text + "x"))
            #expect(try BearerToken(of: directory).matches(text))
            #expect(File.mode(directory.token) == 0o600)
        }
    }

    private func ancestors(_ commands: [String]) -> [SystemProcess.Ancestor] {
        commands.enumerated().map { index, command in
            .init(processID: Int32(100 + index), arguments: command.split(separator: " ").map(String.init))
        }
    }

    @Test(
        "the key is the nearest ancestor that is Claude Code",
        arguments: [
            (["sh", "claude --resume", "claude"], 101), (["/usr/bin/claude-code"], 100),
            (["sh", "node /x/bin/claude -p"], 101),
            (["node --max-old-space-size=1 /x/@anthropic-ai/claude-code/cli.js"], 100),
            (["zsh", "/home/me/.local/share/claude/versions/2.1.0 x"], 101),
            (["node /x/server.js", "vim claude"], nil),
        ] as [([String], Int?)]
    )
    func claudeProcess(commands: [String], process: Int?) {
        let found = SessionKey.claudeProcess(
            environment: { _ in nil },
            isAlive: { _ in true },
            ancestors: ancestors(commands)
        )
        #expect(found.map(Int.init) == process)
    }

    @Test(
        "the override names the key; CLAUDE_PID does while it lives; a number of a container is not one of the machine"
    )
    func keySources() throws {
        func key(_ environment: [String: String], isAlive: Bool = true, namespace: UInt64? = nil) throws -> String {
            try SessionKey.decide(
                environment: { environment[$0] },
                isAlive: { _ in isAlive },
                ancestors: ancestors(["claude"]),
                namespace: namespace
            ).description
        }
        #expect(try key(["INTER_SESSION_PPID_OVERRIDE": "-5", "CLAUDE_PID": "77"]) == "-5")
        #expect(try key(["CLAUDE_PID": "77"]) == "77")
        #expect(try key(["CLAUDE_PID": "77"], isAlive: false) == "100")
        #expect(try key(["CLAUDE_PID": "77"], namespace: 4_026_532_205) == "ns4026532205-77")
        #expect(try key(["INTER_SESSION_PPID_OVERRIDE": "5"], namespace: 4_026_532_205) == "5")
        #expect(throws: SettingsError.self) { try key(["INTER_SESSION_PPID_OVERRIDE": "x"]) }
    }

    @Test("the state of a listener is kept while its lock is held, and removed when it is not")
    func listenerState() async throws {
        try await TemporaryDirectory.with { path in
            let directory = DataDirectory(path: path)
            try directory.prepare()
            let key = SessionKey(9)
            let state = SessionState(
                sessionID: "abcd",
                name: "n",
                label: "l",
                nonce: "s",
                processID: 1,
                processStarted: 77,
                host: "127.0.0.1",
                port: 2,
                createdAt: "t"
            )
            try state.write(key, in: directory)
            #expect(File.mode(directory.clientState(key)) == 0o600)
            do {
                let lock = try #require(try FileLock.tryLock(directory.clientLock(key)))
                #expect(try FileLock.tryLock(directory.clientLock(key)) == nil)
                #expect(try SessionState.ofLiveClient(key, in: directory) == state)
                withExtendedLifetime(lock) {}
            }
            #expect(try SessionState.ofLiveClient(key, in: directory) == nil)
            #expect(!File.exists(directory.clientState(key)) && File.exists(directory.clientLock(key)))
        }
    }
}
