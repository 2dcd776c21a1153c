import Foundation
import TestSupport
import Testing

@Suite("send")
struct SendTests {
    @Test("the text is kept byte for byte, from an argument, a file and a pipe")
    func byteForByte() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            _ = try await bus.connect("beta", key: 2)
            let text = " é e\u{301} 😀\t\u{1B}[31m\"quoted\" $HOME `id`\r\n\n"
            let file = "\(bus.directory)/text"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let runs = [
                try await bus.run("send", "--to", "beta", "--text", text, key: 1),
                try await bus.run("send", "--to", "beta", "--text-file", file, key: 1),
                try await bus.run("send", "--to", "beta", "--text-file", "-", key: 1, input: text),
                try await bus.run("send", "--to", "beta", key: 1, input: text),
            ]
            for run in runs {
                #expect(run.output.wholeMatch(of: /sent -> beta \(msg=[a-z0-9]{10}, (seen|delivered)\)\n/) != nil)
            }
            let records = bus.messageLog.split(separator: "\n")
            #expect(records.count == 4)
            for record in records {
                let object = try JSONSerialization.jsonObject(with: Data(record.utf8)) as? [String: Any]
                #expect((object?["text"] as? String).map { Array($0.utf8) } == Array(text.utf8))
            }
        }
    }

    @Test("what cannot be a text is refused before anything is sent")
    func badText() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            _ = try await bus.connect("beta", key: 2)
            let invalid = "\(bus.directory)/invalid"
            try Data([0x68, 0xFF, 0x69]).write(to: URL(filePath: invalid))
            let large = "\(bus.directory)/large"
            try Data(repeating: 0x78, count: 10 * 1024 * 1024 + 1).write(to: URL(filePath: large))
            let cases: [([String], String)] = [
                (["--to", "beta", "--text", ""], "is empty"),
                (["--to", "beta"], "is empty"),
                (["--to", "beta", "--text-file", invalid], "is not UTF-8"),
                (["--to", "beta", "--text-file", "\(bus.directory)/missing"], "no such file"),
                (["--to", "beta", "--text-file", bus.directory], "directory"),
                (["--to", "beta", "--text-file", large], "text_too_long"),
            ]
            for (arguments, reason) in cases {
                let run = try await bus.run("send", arguments, key: 1, input: Data())
                #expect(run.code == 1 && run.output.isEmpty)
                #expect(run.errors.contains(reason) && run.errors.contains("nothing was sent"))
                #expect(run.errors.split(separator: "\n").count == 1)
            }
            #expect(bus.messageLog.isEmpty)
        }
    }

    @Test("a refusal says the code, the reason and what to do")
    func refusals() async throws {
        try await TestBus.with { bus in
            for (key, name) in ["alpha", "beta", "beta-2"].enumerated() {
                _ = try await bus.connect(name, key: key + 1)
            }
            let ambiguous = try await bus.run("send", "--to", "be", "--text", "x", key: 1)
            #expect(ambiguous.code == 1)
            #expect(
                ambiguous.errors.hasPrefix("error: ambiguous: ") && ambiguous.errors.contains("(matches: beta, beta-2)")
            )
            let unknown = try await bus.run("send", "--to", "zeta", "--text", "x", key: 1)
            #expect(unknown.code == 1 && unknown.errors.hasPrefix("error: unknown_peer: "))
            let oneself = try await bus.run("send", "--to", "alpha", "--text", "x", key: 1)
            #expect(oneself.code == 1 && oneself.errors.contains("this session itself"))
        }
    }

    @Test("without a client there is nothing to send as")
    func notConnected() async throws {
        try await TestBus.with { bus in
            let run = try await bus.run("send", "--to", "beta", "--text", "x")
            #expect(run.code == 1)
            #expect(run.errors == "error: not connected; run /inter-session in this Claude Code session first\n")
        }
    }

    @Test("a bus that cannot be reached has an exit code of its own")
    func unreachable() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let run = try await bus.run("send", "--to", "beta", "--text", "x", "--port", "1", key: 1)
            #expect(run.code == 4 && run.errors.contains("no server answers on port 1"))
        }
    }

    @Test("10 MiB go through whole")
    func large() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let text = String(repeating: "y", count: 10 * 1024 * 1024)
            #expect(try await bus.run("send", "--to", "beta", key: 1, input: text).code == 0)
            try await beta.line(containing: "full text 10.0 MB")
        }
    }
}
