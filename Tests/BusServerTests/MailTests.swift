import InterSessionCore
import NIOCore
import NIOWebSocket
import TestSupport
import Testing

@testable import BusServer

/// A mailbox, as those see it who send and receive.
@Suite("mail")
struct MailTests {
    private static let receiver = "acks replies notices sessions history"
    private static let sender = "receipts hold replies history"

    @Test("the sender hears that a message is delivered, or since when its receiver is away")
    func receipts() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.sender)
            let beta = try await bus.join("beta")
            let delivered = try await alpha.message("x", to: "beta", more: #","ref":"r""#)
            let id = try await beta.find("msg").string("msg_id")
            #expect(try delivered.string("msg_id") == id && delivered.string("ref") == "r")
            #expect(try delivered.string("state") == "delivered" && delivered.string("to") == "beta")
            try await beta.leave()
            let queued = try await alpha.message("x", to: "beta")
            #expect(try queued.string("state") == "queued")
            #expect(try queued.string("offline_since").flatMap { Timestamp(iso8601: $0) } != nil)
        }
    }

    @Test("sent waits for the receiver to see the message, as long as it may")
    func receiptWithin() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.join("beta", features: Self.receiver)
            let alpha = try await bus.join("alpha", features: Self.sender)
            let send = #"{"op":"send","to":"beta","text":"x","receipt_within":150}"#
            try await alpha.send(send)
            let id = try await beta.find("msg").requiredString("msg_id")
            try await alpha.expectSilence()
            try await beta.send(#"{"op":"ack","msg_id":"\#(id)"}"#)
            #expect(try await alpha.expect("sent").string("state") == "seen")

            try await alpha.send(send)
            try await beta.find("msg")
            try await alpha.expectSilence()
            await bus.loop.advanceTime(by: .milliseconds(150))
            #expect(try await alpha.expect("sent").string("state") == "delivered")
        }
    }

    @Test("what was not acknowledged comes again in its order: to the next connection, and after a restart")
    func redelivery() async throws {
        try await TemporaryDirectory.with { path in
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: Self.sender)
                let beta = try await bus.join("beta", features: Self.receiver)
                #expect(try await beta.find("waiting").integer("count") == 0)
                for text in ["a", "b", "c"] { try await alpha.message(text, to: "beta") }
                try await beta.find("msg")
                let second = try await beta.find("msg").requiredString("msg_id")
                try await beta.send(#"{"op":"ack","msg_ids":["\#(second)"]}"#)
                try await beta.leave()
                let again = try await bus.join("beta", features: Self.receiver)
                #expect(try await again.find("waiting").integer("count") == 2)
                #expect(try await again.texts(2) == ["a", "c"])
                try await again.expectSilence()
            }
            try await MemoryBus.with(path) { bus in
                let beta = try await bus.join("beta", features: Self.receiver)
                #expect(try await beta.find("waiting").integer("count") == 2)
                let first = try await beta.find("msg").requiredString("msg_id")
                try await beta.leave()
                let next = try await bus.join("beta", features: Self.receiver, more: #","printed":["\#(first)"]"#)
                #expect(try await next.find("waiting").integer("count") == 1)
                #expect(try await next.texts(1) == ["c"])
                try await next.expectSilence()
            }
        }
    }

    @Test("an agent that names no feature gets what waited, once, and sees no new field or op")
    func plainAgent() async throws {
        try await MemoryBus.with { bus in
            try await bus.join("beta").leave()
            let alpha = try await bus.join("alpha", features: Self.sender)
            try await alpha.message("x", to: "beta", more: #","in_reply_to":"aaaaaaaaaa","auto":true"#)
            let beta = try await bus.join("beta")
            let message = try await beta.expect("msg")
            #expect(!message.has("in_reply_to") && !message.has("auto"))
            for op in [#"{"op":"ack","msg_id":"a"}"#, #"{"op":"show","msg_id":"a"}"#, #"{"op":"disconnect"}"#] {
                try await beta.send(op)
                try await beta.expectError("unknown_op")
            }
            try await beta.leave()
            let again = try await bus.join("beta", features: Self.receiver)
            #expect(try await again.find("waiting").integer("count") == 0, "written to the socket is seen")
        }
    }

    @Test("mail waits for a name that is known; without hold, and for a name never seen, it is refused")
    func hold() async throws {
        try await MemoryBus.with { bus in
            for name in ["beta", "betamax"] { try await bus.join(name).leave() }
            let alpha = try await bus.join("alpha", features: Self.sender)
            let plain = try await bus.join("plain")
            try await plain.send(#"{"op":"send","to":"beta","text":"x"}"#)
            #expect(try await plain.find("error").string("message")?.contains("is offline since") == true)

            for target in ["beta", "id-beta", "betam"] { try await alpha.message("for \(target)", to: target) }
            try await alpha.send(#"{"op":"send","to":"bteta","text":"x"}"#)
            let refused = try await alpha.find("error")
            #expect(try refused.string("code") == "unknown_peer" && refused.strings("nearest") == ["beta"])
            try await alpha.send(#"{"op":"send","to":"be","text":"x"}"#)
            #expect(try await alpha.find("error").strings("matches") == ["beta", "betamax"])

            #expect(try await bus.join("beta", features: Self.receiver).texts(2) == ["for beta", "for id-beta"])
            #expect(try await bus.join("betamax").texts(1) == ["for betam"])
        }
    }

    @Test("an exact name that is away wins over a longer one that is here")
    func exactNameAway() async throws {
        try await MemoryBus.with { bus in
            try await bus.join("api").leave()
            let other = try await bus.join("api-2")
            let alpha = try await bus.join("alpha", features: Self.sender)
            #expect(try await alpha.message("x", to: "api").string("state") == "queued")
            let plain = try await bus.join("plain")
            try await plain.send(#"{"op":"send","to":"api","text":"x"}"#)
            try await plain.expectError("unknown_peer")
            try await other.send(#"{"op":"ping","ref":"nothing came"}"#)
            #expect(try await other.find("pong").string("ref") == "nothing came")
        }
    }

    @Test("mail follows a session to its new name, and a new session gets what waits for the name")
    func names() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.join("beta", features: Self.receiver)
            try await bus.join("old").leave()
            let alpha = try await bus.join("alpha", features: Self.sender)
            try await alpha.message("for old", to: "old")
            try await alpha.message("for beta", to: "beta")
            #expect(try await beta.texts(1) == ["for beta"])
            try await beta.send(#"{"op":"rename","name":"old"}"#)
            #expect(try await beta.texts(1) == ["for old"])
            try await beta.leave()

            let heir = try await bus.connect(isLocalUser: true)
            try await heir.send(
                #"{"op":"hello","role":"agent","session_id":"id-heir","name":"old","nonce":"n","features":["acks"]}"#
            )
            #expect(try await heir.texts(2) == ["for old", "for beta"])
            try await alpha.send(#"{"op":"send","to":"beta","text":"x"}"#)
            try await alpha.find("error")
        }
    }

    @Test("a session that leaves its name to the bus gets its old one, else the suggested, else one like it")
    func suggestedNames() async throws {
        try await MemoryBus.with { bus in
            func join(_ id: String, _ suggestion: String) async throws -> (MemoryPeer, String?) {
                let peer = try await bus.connect(isLocalUser: true)
                try await peer.send(
                    #"{"op":"hello","role":"agent","session_id":"\#(id)","suggested_name":"\#(suggestion)","nonce":"n","features":["sessions"]}"#
                )
                return (peer, try await peer.expect("welcome").string("assigned_name"))
            }
            let (first, name) = try await join("id-1", "api")
            #expect(name == "api")
            #expect(try await join("id-2", "api").1 == "api-2")
            #expect(try await join("id-3", "").1 == "claude-1")
            #expect(try await join("id-4", "No Name").1 == "claude-2")
            try await first.send(#"{"op":"rename","name":"mine"}"#)
            try await first.leave()
            #expect(try await join("id-1", "api").1 == "mine")
        }
    }

    @Test("the answer to a question goes to the tool that waits for it, and to nobody else")
    func awaitedAnswer() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.receiver)
            let beta = try await bus.join("beta", features: Self.sender)
            let tool = try await bus.control("alpha", features: "receipts replies acks")
            let id = try await tool.message("?", to: "beta", more: #","await":true"#).requiredString("msg_id")
            try await beta.message("by the way", to: "alpha")
            try await beta.message("!", to: "alpha", more: #","in_reply_to":"\#(id)""#)
            try await beta.message("and more", to: "alpha", more: #","in_reply_to":"\#(id)""#)
            let answer = try await tool.expect("msg")
            #expect(try answer.string("text") == "!" && answer.string("in_reply_to") == id)
            try await tool.send(#"{"op":"ack","msg_id":"\#(try answer.requiredString("msg_id"))"}"#)
            try await tool.leave()
            #expect(try await alpha.texts(2) == ["by the way", "and more"])
            try await alpha.leave()
            #expect(try await bus.join("alpha", features: Self.receiver).texts(2) == ["by the way", "and more"])
        }
    }

    @Test("an answer that its tool did not acknowledge is ordinary mail")
    func unheardAnswer() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.receiver)
            let beta = try await bus.join("beta", features: Self.sender)
            let tool = try await bus.control("alpha", features: "receipts replies acks")
            let id = try await tool.message("?", to: "beta", more: #","await":true"#).requiredString("msg_id")
            try await beta.message("!", to: "alpha", more: #","in_reply_to":"\#(id)""#)
            try await tool.expect("msg")
            try await tool.leave()
            #expect(try await alpha.texts(1) == ["!"])
        }
    }

    @Test("an observer looks and says nothing")
    func observer() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.sender)
            _ = try await bus.join("beta")
            try await bus.join("gone").leave()
            let id = try await alpha.message("the parser tests fail", to: "beta").requiredString("msg_id")
            try await alpha.message("nothing of that kind", to: "gone")
            let observer = try await bus.connect(isLocalUser: true)
            try await observer.send(#"{"op":"hello","role":"observer","features":["history","sessions"]}"#)
            try await observer.expect("welcome")
            func log(_ fields: String) async throws -> [JSONObject] {
                try await observer.send(#"{"op":"log"\#(fields)}"#)
                return try await observer.expect("messages").objects("messages") ?? []
            }
            #expect(try await log("").map { try $0.string("to") } == ["beta", "gone"])
            let found = try await log(#","grep":"TESTS parser""#)
            #expect(try found.map { try $0.string("msg_id") } == [id])
            #expect(try found.first?.objects("deliveries")?.first?.string("state") == "seen")
            #expect(try await log(#","grep":"tests \" OR nothing""#).isEmpty)
            #expect(try await log(#","with":"gone""#).count == 1)
            #expect(try await log(#","since":"2999-01-01T00:00:00Z""#).isEmpty)
            #expect(try await log(#","limit":1"#).map { try $0.string("to") } == ["gone"])
            #expect(try await log(#","unseen_by":"gone""#).count == 1)
            try await observer.send(#"{"op":"show","msg_id":"\#(id)"}"#)
            let shown = try await observer.expect("messages").objects("messages")?.first
            #expect(try shown?.string("text") == "the parser tests fail")
            try await observer.send(#"{"op":"show","msg_id":"aaaaaaaaaa"}"#)
            try await observer.expectError("unknown_message")
            try await observer.send(#"{"op":"list","all":true}"#)
            let sessions = try await observer.expect("list_ok").objects("sessions") ?? []
            #expect(try sessions.map { try $0.string("name") } == ["alpha", "beta", "gone"])
            #expect(try sessions.map { try $0.integer("waiting") } == [0, 0, 1])
            #expect(try sessions.map { try $0.boolean("online") } == [true, true, false])
            try await observer.send(#"{"op":"send","to":"beta","text":"x"}"#)
            try await observer.expectError("unauthorized")
        }
    }

    @Test("a tool takes its session off the bus")
    func disconnect() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let tool = try await bus.control("alpha", features: "sessions")
            try await tool.send(#"{"op":"disconnect","ref":"d"}"#)
            #expect(try await tool.expect("disconnected").string("ref") == "d")
            try await alpha.expectClose(4001)
        }
    }
}
