import Foundation
import InterSessionCore
import TestSupport
import Testing

/// `send --wait`: a question, and its answer alone.
@Suite("questions")
struct QuestionTests {
    @Test("a question returns its answer alone, and the monitor does not show it")
    func question() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let question = try bus.start("send", "--to", "beta", "--text", "which port?", "--wait", "30", key: 1)
            let id = try #require(try await beta.line(containing: "which port?").messageID)
            let answer = try await bus.run("send", "--to", "alpha", "--re", id, "--text", "8080", key: 2)
            #expect(answer.output.hasSuffix(", seen)\n"))
            let run = try await question.finished()
            #expect(run.code == 0 && run.output == "8080\n" && run.errors.isEmpty)

            // A late answer, or a second one, is a message like any other.
            try await bus.run("send", "--to", "alpha", "--re", id, "--text", "or 8081", key: 2)
            #expect(try await alpha.line(containing: "or 8081").contains(" re=\(id)]"))
            #expect(!alpha.output.contains("8080"))
        }
    }

    @Test("a question that nobody answers in time ends with 3, and says under which id it was accepted")
    func noAnswer() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let run = try await bus.run("send", "--to", "beta", "--text", "anybody?", "--wait", "1", key: 1)
            let id = try #require(try await beta.line(containing: "anybody?").messageID)
            #expect(run.code == 3 && run.output.isEmpty)
            #expect(run.errors.contains("no answer from beta within 1 s (msg=\(id))"))
        }
    }

    @Test("an answer that cannot be printed comes to the session as a message, and is not seen before")
    func unprinted() async throws {
        try await TestBus.with { bus in
            let alpha = try await bus.connect("alpha", key: 1)
            let beta = try await bus.connect("beta", key: 2)
            let question = try RunningTool(
                "/bin/sh",
                ["-c", #""$0" --to beta --text 'which port?' --wait 30 > /dev/full"#, BuiltTools.path("send")],
                environment: bus.environment(key: 1),
                in: bus.directory
            )
            let id = try #require(try await beta.line(containing: "which port?").messageID)
            #expect(try await bus.run("send", "--to", "alpha", "--re", id, "--text", "8080", key: 2).code == 0)
            #expect(try await question.finished().code == 1)
            #expect(try await alpha.line(containing: "8080").contains(" re=\(id)]"))
        }
    }
}
