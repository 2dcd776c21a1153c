import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// An answer that a tool waits for, which is not for the session's own connection meanwhile.
@Suite("withheld answers")
struct WithheldTests {
    @Test("an answer that a stopped tool holds is not counted, and comes when the tool has gone")
    func stoppedTool() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "acks")
            let beta = try await bus.join("beta", features: "acks replies hold")
            let tool = try await bus.control("alpha", features: "replies receipts acks")
            let id = try await tool.message("?", to: "beta", more: #","await":true"#).requiredString("msg_id")
            try await beta.find("msg")
            try await beta.send(#"{"op":"send","to":"alpha","text":"!","in_reply_to":"\#(id)"}"#)
            try await tool.expect("msg")
            try await alpha.leave()
            let again = try await bus.join("alpha", features: "acks")
            #expect(try await again.expect("waiting").integer("count") == 0)
            try await again.expectSilence()
            try await tool.channel.close()
            #expect(try await again.texts(1) == ["!"])
        }
    }
}
