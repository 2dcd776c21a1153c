import Foundation
import TestSupport
import Testing

/// Other users of the machine can read the arguments of every command; what is sent is not among them.
@Suite("arguments")
struct ArgumentTests {
    @Test("nothing that teaches send has a text among its arguments, and what names --text says who can read it")
    func nothingTaught() async throws {
        let root = BuiltTools.packageRoot
        for name in ["README.md", "skills/inter-session/SKILL.md", "docs/PROTOCOL.md", "docs/ARCHITECTURE.md"] {
            let text = try String(contentsOf: root.appending(path: name), encoding: .utf8)
            #expect(text.matches(of: /--text['" ]+[^|`]*['"a-z]/.ignoresCase()).isEmpty, "\(name) teaches --text")
            // Paragraphs and rows that mention it at all.
            for line in text.split(separator: "\n") where line.contains(/--text\b(?!-)/) {
                #expect(line.contains("`ps` shows"), "\(name): \(line)")
            }
        }
        let skill = try String(contentsOf: root.appending(path: "skills/inter-session/SKILL.md"), encoding: .utf8)
        #expect(skill.contains(#"sh "<bin>/send" --to TARGET <<'INTER_SESSION_TEXT'"#))
        try await TestBus.with { bus in
            let help = try await bus.run("send", "--help").output
            #expect(help.contains("Example:\n  send --to beta --wait 60 < question.txt"))
            let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("other users of this machine may read it"))
        }
    }

    @Test(
        "a text that comes on standard input is in no process's arguments or environment (needs Linux's /proc)",
        .needs(.proc)
    )
    func notInArguments() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let secret = "secret-\(UUID().uuidString)"
            func places(_ text: String) throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { $0.allSatisfy(\.isNumber) }
                    .flatMap { process in ["cmdline", "environ"].map { "/proc/\(process)/\($0)" } }
                    .filter { FileManager.default.contents(atPath: $0)?.range(of: Data(text.utf8)) != nil }
            }
            let asking = try bus.start("send", ["--to", "beta", "--wait", "60"], key: 1, input: Data(secret.utf8))
            try await beta.line(containing: secret)
            #expect(try places(secret).isEmpty)
            // Where it is an argument it is found.
            let shown = try bus.start("send", ["--to", "beta", "--wait", "60", "--text", "shown-\(secret)"], key: 1)
            try await beta.line(containing: "shown-\(secret)")
            #expect(try places(secret) == ["/proc/\(shown.processID)/cmdline"])
            for question in [asking, shown] {
                #expect(question.isRunning)
                question.signal(SIGTERM)
            }
        }
    }
}
