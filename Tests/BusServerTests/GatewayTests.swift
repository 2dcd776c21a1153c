import InterSessionCore
import NIOCore
import Platform
import Synchronization
import TestSupport
import Testing

@testable import BusServer

/// What the bus does for gateways: mail from outside, mail to the outside, and who is known there.
@Suite("gateways")
struct GatewayTests {
    private static let sender = "receipts hold replies history keys gateways sessions"

    private func deliver(_ text: String, to: String, from: String = "claude:1@b", key: String, more: String = "")
        -> String
    {
        let names = to.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ",")
        return
            #"{"op":"deliver","from":"\#(from)","to":[\#(names)],"text":"\#(text)","key":"\#(key)","ref":"\#(key)"\#(more)}"#
    }

    @Test("mail to an agent goes to the gateway that knows it, and counts as forwarded when that says so")
    func outbound() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b c")
            let alpha = try await bus.join("alpha", features: Self.sender)
            for (target, shown) in [("claude:2@b", "claude:2@b"), ("@b", "@b"), ("b", "@b")] {
                try await alpha.send(#"{"op":"send","to":"\#(target)","text":"x","receipt_within":5000}"#)
                let job = try await gateway.find("msg")
                #expect(try job.string("to") == shown && job.string("from_name") == "alpha")
                try await gateway.send(#"{"op":"ack","msg_id":"\#(try job.requiredString("msg_id"))"}"#)
                let sent = try await alpha.find("sent")
                #expect(try sent.string("state") == "forwarded" && sent.string("to") == shown)
                try await alpha.send(#"{"op":"show","msg_id":"\#(try job.requiredString("msg_id"))"}"#)
                let shownMail = try await alpha.find("messages").objects("messages")?.first
                let fate = try shownMail?.objects("deliveries")?.first
                #expect(try fate?.string("state") == "forwarded" && fate?.string("name") == shown)
            }
        }
    }

    @Test(
        "who cannot be reached is told apart",
        arguments: [
            ("x@d", "unknown_peer", "up: a"), ("@d", "unknown_peer", "up: a"), ("a b@b", "unknown_peer", "label@agent"),
            ("@?", "unknown_peer", "cannot be answered"), ("@be", "unknown_peer", "did you mean 'bee'"),
            ("@a", "unknown_peer", "this session itself"), ("nobody@a", "unknown_peer", "no session of 'a'"),
        ]
    )
    func unknown(target: String, code: String, says: String) async throws {
        try await MemoryBus.with { bus in
            _ = try await bus.gateway("a", knows: "bee")
            let alpha = try await bus.join("alpha", features: Self.sender)
            try await alpha.send(#"{"op":"send","to":"\#(target)","text":"x"}"#)
            let error = try await alpha.expectError(code)
            #expect(try error.string("message")?.contains(says) == true)
        }
    }

    @Test("an agent of this bus is its own sessions, by label, and one label is never two of them")
    func ownAgent() async throws {
        try await MemoryBus.with { bus in
            _ = try await bus.gateway("a")
            let claude = try await bus.join("claude-2")
            let alpha = try await bus.join("web", features: Self.sender)
            try await alpha.message("x", to: "Claude:2@a")
            try await claude.find("msg")
            try await alpha.message("x", to: "@a")
            try await claude.find("msg")
            // A name, and the beginning of the id of a session without one.
            _ = try await bus.join("deadbeef")
            let nameless = try await bus.connect(isLocalUser: true)
            try await nameless.send(#"{"op":"hello","role":"agent","session_id":"deadbeef-1"}"#)
            try await nameless.expect("welcome")
            try await alpha.send(#"{"op":"send","to":"deadbeef@a","text":"x"}"#)
            let error = try await alpha.find("error")
            #expect(try error.string("code") == "ambiguous")
            #expect(try error.strings("matches") == ["deadbeef", "deadbeef-1"])
        }
    }

    @Test("a session with the name of an agent goes before the agent, and an agent before a prefix")
    func precedence() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: Self.sender)
            let beta = try await bus.join("beta")
            #expect(try await alpha.message("x", to: "b").string("to") == "@b")
            try await gateway.find("msg")
            let named = try await bus.join("b")
            try await alpha.message("x", to: "b")
            try await named.find("msg")
            try await alpha.message("x", to: "be")
            try await beta.find("msg")
        }
    }

    @Test("mail from outside comes from label@agent, once for each key, whatever is repeated")
    func inbound() async throws {
        try await TemporaryDirectory.with { path in
            let id = Mutex("")
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: "acks replies")
                let gateway = try await bus.gateway("a", knows: "b")
                try await gateway.send(deliver("one", to: "alpha", key: "b/1", more: #","in_reply_to":"hocod127xo""#))
                let sent = try await gateway.find("sent")
                #expect(try sent.string("ref") == "b/1" && sent.string("state") == "delivered")
                let message = try await alpha.find("msg")
                #expect(try message.string("from_name") == "claude:1@b" && message.string("to") == "alpha")
                #expect(try message.string("in_reply_to") == "hocod127xo")
                try await gateway.send(deliver("one", to: "alpha", key: "b/1"))
                #expect(try await gateway.find("sent").string("msg_id") == sent.string("msg_id"))
                try await alpha.expectSilence()
                try await alpha.send(#"{"op":"ack","msg_id":"\#(try sent.requiredString("msg_id"))"}"#)
                try await alpha.expectSilence()
                let accepted = try sent.requiredString("msg_id")
                id.withLock { $0 = accepted }
            }
            let first = id.withLock { $0 }
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: "acks replies")
                let gateway = try await bus.gateway("a", knows: "b")
                try await gateway.send(deliver("one", to: "alpha", key: "b/1"))
                let sent = try await gateway.find("sent")
                #expect(try sent.string("msg_id") == first && sent.string("state") == "seen")
                #expect(try await alpha.find("waiting").integer("count") == 0)
                try await gateway.send(deliver("two", to: "alpha", key: "b/2"))
                #expect(try await alpha.texts(1) == ["two"])
                // What a reply needs to name the message as its sender called it.
                try await gateway.send(#"{"op":"show","msg_id":"\#(first)"}"#)
                let shown = try await gateway.find("messages").objects("messages")?.first
                #expect(try shown?.string("key") == "b/1")
            }
            let log = String(decoding: try File.read("\(path)/messages.log"), as: UTF8.self)
            #expect(log.split(separator: "\n").count == 2)
        }
    }

    @Test("one message may be for several sessions")
    func severalRecipients() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            let gateway = try await bus.gateway("a")
            try await gateway.send(deliver("all", to: "alpha beta", key: "b/1"))
            #expect(try await gateway.find("sent").integer("recipients") == 2)
            #expect(try await alpha.texts(1) == ["all"])
            #expect(try await beta.texts(1) == ["all"])
        }
    }

    @Test("a question to a session outside is answered by that agent and by no other")
    func questions() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "acks replies")
            let gateway = try await bus.gateway("a", knows: "b c")
            let tool = try await bus.control("alpha", features: Self.sender + " acks")
            try await tool.send(#"{"op":"send","to":"claude:2@b","text":"?","await":true}"#)
            let id = try await gateway.find("msg").requiredString("msg_id")
            let reply = #","in_reply_to":"\#(id)""#
            try await gateway.send(deliver("mallory", to: "alpha", from: "claude:2@c", key: "c/1", more: reply))
            #expect(try await alpha.texts(1) == ["mallory"])
            try await gateway.send(deliver("bob", to: "alpha", from: "claude:2@b", key: "b/1", more: reply))
            #expect(try await tool.texts(1) == ["bob"])
        }
    }

    @Test("what a gateway gives back comes to its sender as a notice, once")
    func givenBack() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: Self.sender + " notices acks")
            let id = try await alpha.message("x", to: "claude:2@b").requiredString("msg_id")
            try await gateway.find("msg")
            let giveBack = #"{"op":"return","msg_id":"\#(id)","reason":"the spool is full"}"#
            try await gateway.send(giveBack)
            try await gateway.send(giveBack)
            let notice = try await alpha.find("notice").requiredString("text")
            #expect(notice.contains(id) && notice.contains("claude:2@b") && notice.contains("the spool is full"))
            try await alpha.send(#"{"op":"show","msg_id":"\#(id)"}"#)
            let mail = try await alpha.expect("messages").objects("messages")?.first
            #expect(try mail?.objects("deliveries")?.first?.string("state") == "returned")
            // It is not handed out again.
            try await gateway.leave()
            _ = try await bus.gateway("a", knows: "b", mail: 0)
        }
    }

    @Test("mail for an agent waits for its gateway, also through a restart of the server")
    func gatewayAway() async throws {
        try await TemporaryDirectory.with { path in
            try await MemoryBus.with(path) { bus in
                let gateway = try await bus.gateway("a", knows: "b")
                let alpha = try await bus.join("alpha", features: Self.sender)
                try await alpha.message("1", to: "claude:2@b")
                try await gateway.find("msg")
                try await gateway.leave()
                let queued = try await alpha.message("2", to: "@b")
                #expect(try queued.string("state") == "queued" && queued.string("offline_since") != nil)
            }
            try await MemoryBus.with(path) { bus in
                let alpha = try await bus.join("alpha", features: Self.sender)
                try await alpha.message("3", to: "claude:2@b")
                try await alpha.send(#"{"op":"list","all":true}"#)
                let listed = try await alpha.find("list_ok").objects("gateways")?.first
                #expect(try listed?.boolean("online") == false && listed?.strings("agents") == ["b"])
                let gateway = try await bus.gateway("a", mail: 3)
                #expect(try await gateway.texts(3) == ["1", "2", "3"])
            }
        }
    }

    @Test("gateways are listed for who knows of them, and are no sessions")
    func listing() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "c b a")
            let old = try await bus.join("old", features: "receipts")
            let alpha = try await bus.join("alpha", features: Self.sender)
            try await alpha.send(#"{"op":"list"}"#)
            let listing = try await alpha.find("list_ok")
            #expect(try listing.objects("sessions")?.map { try $0.string("name") } == ["alpha", "old"])
            let summary = try #require(try listing.objects("gateways")?.first)
            #expect(try summary.string("agent") == "a" && summary.string("label") == "spool")
            #expect(try summary.strings("agents") == ["b", "c"] && summary.boolean("online") == true)
            try await old.send(#"{"op":"list"}"#)
            #expect(try await old.find("list_ok").objects("gateways") == nil)
            try await alpha.send(#"{"op":"broadcast","text":"x"}"#)
            #expect(try await alpha.find("sent").integer("recipients") == 1)
            // It hears who comes and goes, and nobody hears of it.
            #expect(try await gateway.find("peer_joined").string("name") == "old")
            try await gateway.leave()
            try await old.find("msg")
            try await old.expectSilence()
        }
    }

    @Test("a gateway is no session, a session no gateway, and an agent has one")
    func rights() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a")
            let alpha = try await bus.join("alpha", features: Self.sender)
            try await alpha.send(deliver("x", to: "alpha", key: "k"))
            try await alpha.expectError("unauthorized")
            try await gateway.find("peer_joined")
            for op in [
                #"{"op":"send","to":"alpha","text":"x"}"#, #"{"op":"rename","name":"x"}"#,
                #"{"op":"broadcast","text":"x"}"#,
            ] {
                try await gateway.send(op)
                try await gateway.expectError("unauthorized")
            }
            let second = try await bus.connect(isLocalUser: true)
            try await second.send(#"{"op":"hello","role":"gateway","agent":"a"}"#)
            try await second.expectError("unauthorized")
            for (from, to, code) in [
                ("alpha", "alpha", "invalid_payload"), ("x@b", "", "invalid_payload"),
                ("x@b", "nobody", "unknown_peer"),
            ] {
                try await gateway.send(deliver("x", to: to, from: from, key: "k"))
                try await gateway.expectError(code)
            }
        }
    }

    @Test("a chain of automatic messages ends, also across a gateway")
    func loops() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: Self.sender)
            var id = try await alpha.message("0", to: "@b", more: #","auto":true"#).requiredString("msg_id")
            for step in 1...3 {
                let reply = #","auto":true,"in_reply_to":"\#(id)""#
                if step % 2 == 1 {
                    try await gateway.send(deliver("\(step)", to: "alpha", key: "b/\(step)", more: reply))
                    id = try await gateway.find("sent").requiredString("msg_id")
                } else {
                    id = try await alpha.message("\(step)", to: "@b", more: reply).requiredString("msg_id")
                }
            }
            try await alpha.send(#"{"op":"send","to":"@b","text":"4","auto":true,"in_reply_to":"\#(id)"}"#)
            #expect(try await alpha.find("error").string("code") == "hop_limit")
        }
    }

    @Test("a session may repeat what it sends, and it is sent once")
    func keys() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.join("beta", features: "acks")
            let alpha = try await bus.join("alpha", features: Self.sender)
            let first = try await alpha.message("x", to: "beta", more: #","key":"k""#)
            let again = try await alpha.message("x", to: "beta", more: #","key":"k""#)
            #expect(try first.string("msg_id") == again.string("msg_id") && again.string("state") == "delivered")
            let other = try await bus.join("other", features: Self.sender)
            try await other.message("y", to: "beta", more: #","key":"k""#)
            #expect(try await beta.texts(2) == ["x", "y"])
        }
    }
}
