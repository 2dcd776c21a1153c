import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// What is said a second time with its key (docs/PROTOCOL.md, "keys").
@Suite("keys")
struct KeyTests {
    @Test("is answered as the first time, also when its receiver has left meanwhile; what was not accepted is refused")
    func receiverHasLeft() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys")
            let beta = try await bus.join("beta", features: "acks")
            let first = try await alpha.message("x", to: "be", more: #","key":"1""#)
            try await beta.leave()
            let second = try await alpha.message("x", to: "be", more: #","key":"1","ref":"again""#)
            #expect(try second.string("msg_id") == first.string("msg_id"))
            #expect(try second.string("ref") == "again")
            #expect(try second.integer("recipients") == 1)
            try await alpha.send(#"{"op":"send","to":"be","text":"y","key":"2","ref":"new"}"#)
            try await alpha.send(#"{"op":"ping"}"#)
            let error = try await alpha.expectError("unknown_peer")
            #expect(try error.string("ref") == "new")
            try await alpha.expect("pong")
        }
    }

    @Test("no identifier holds a U+0000", arguments: ["key", "in_reply_to"])
    func zero(field: String) async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys replies hold")
            try await bus.join("beta").leave()
            try await alpha.send(#"{"op":"send","to":"beta","text":"x","\#(field)":"k\u0000two"}"#)
            let error = try await alpha.find("error")
            #expect(try error.string("code") == "invalid_payload")
            #expect(try error.string("message")?.contains("'\(field)'") == true)
        }
    }

    @Test("a broadcast to nobody is answered the second time as the first, whoever has come meanwhile")
    func broadcastToNobody() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys")
            var answers: [JSONObject] = []
            for _ in 0..<2 {
                try await alpha.send(#"{"op":"broadcast","text":"x","key":"1"}"#)
                answers.append(try await alpha.find("sent"))
                _ = try await bus.join("beta\(answers.count)")
            }
            for answer in answers {
                #expect(try answer.string("state") == "queued" && answer.integer("recipients") == 0)
                #expect(try answer.string("msg_id") == answers[0].string("msg_id"))
            }
        }
    }

    @Test("a repetition beyond the limits is answered as the first time, and nobody is told of a loop")
    func beyondTheLimits() async throws {
        var settings = MailSettings()
        settings.pairLimit = 1
        try await MemoryBus.with(settings) { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys notices")
            let beta = try await bus.join("beta", features: "notices")
            let first = try await alpha.message("x", to: "beta", more: #","key":"1""#)
            try await beta.expect("msg")
            try await alpha.send(#"{"op":"send","to":"beta","text":"x","key":"1"}"#)
            #expect(try await alpha.find("sent").string("msg_id") == first.string("msg_id"))
            try await alpha.expectSilence()
            try await beta.expectSilence()
            // What is new is refused, and said to both.
            try await alpha.send(#"{"op":"send","to":"beta","text":"y","key":"2"}"#)
            try await alpha.find("error")
            try await beta.find("notice")
        }
    }

    @Test("a repeated broadcast beyond the limit is answered as the first time")
    func broadcastsBeyondTheLimit() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys")
            try await alpha.send(#"{"op":"broadcast","text":"x","key":"1"}"#)
            let first = try await alpha.find("sent")
            for _ in 1..<WireLimits.broadcasts {
                try await alpha.send(#"{"op":"broadcast","text":"x"}"#)
                try await alpha.find("sent")
            }
            try await alpha.send(#"{"op":"broadcast","text":"x","key":"1"}"#)
            #expect(try await alpha.expect("sent").string("msg_id") == first.string("msg_id"))
            try await alpha.send(#"{"op":"broadcast","text":"x","key":"2"}"#)
            try await alpha.expectError("rate_limited")
        }
    }
}
