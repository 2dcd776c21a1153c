import InterSessionCore
import NIOCore
import NIOWebSocket
import Platform
import Testing

@testable import BusServer

@Suite("operations")
struct RoutingTests {
    @Test("a direct message reaches its receiver with everything that the protocol names")
    func direct() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.join("beta")
            let alpha = try await bus.join("alpha", label: "The first")
            try await beta.expect("peer_joined")
            try await alpha.send(#"{"op":"send","to":"beta","text":"h\u00ef\n\"\u0000😀"}"#)
            let message = try await beta.expect("msg")
            #expect(try message.string("text") == "hï\n\"\0😀")
            #expect(try message.string("from") == "id-alpha")
            #expect(try message.string("from_name") == "alpha")
            #expect(try message.string("from_label") == "The first")
            #expect(try message.string("to") == "beta")
            #expect(try message.string("to_session_id") == "id-beta")
            #expect(try message.string("ts")?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            #expect(try message.string("msg_id")?.wholeMatch(of: /[a-z0-9]{8,12}/) != nil)
        }
    }

    @Test("success is silence; the pong after a send proves it, and comes after an error")
    func pongProves() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            _ = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            try await alpha.send(#"{"op":"send","to":"beta","text":"x"}"#)
            try await alpha.send(#"{"op":"ping","ref":"1"}"#)
            #expect(try await alpha.expect("pong").string("ref") == "1")
            let record = String(decoding: try File.read(bus.messageLog), as: UTF8.self)
            #expect(record.contains(#""text":"x""#), "the message is written before the pong")
            try await alpha.send(#"{"op":"send","to":"nobody","text":"x","ref":"r"}"#)
            try await alpha.send(#"{"op":"ping"}"#)
            #expect(try await alpha.expectError("unknown_peer").string("ref") == "r")
            try await alpha.expect("pong")
        }
    }

    @Test("a pong waits for the messages before it and not for those after it")
    func pongAmidMessages() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            for number in 0..<50 {
                try await alpha.send(#"{"op":"send","to":"nobody","text":"x","ref":"\#(number)"}"#)
                try await alpha.send(#"{"op":"broadcast","text":"x"}"#)
                try await alpha.send(#"{"op":"ping","ref":"\#(number)"}"#)
                #expect(try await alpha.expectError("unknown_peer").string("ref") == "\(number)")
                #expect(try await alpha.expect("pong").string("ref") == "\(number)")
            }
        }
    }

    @Test("a message that was sent before bye arrives before the news of the leaving")
    func byeAfterSend() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.join("beta")
            let alpha = try await bus.join("alpha")
            try await beta.expect("peer_joined")
            try await alpha.send(#"{"op":"send","to":"beta","text":"last words"}"#)
            try await alpha.send(#"{"op":"bye"}"#)
            #expect(try await beta.expect("msg").string("text") == "last words")
            try await beta.expect("peer_left")
            try await alpha.expectClose(1000)
        }
    }

    @Test("messages of one sender keep their order")
    func order() async throws {
        try await MemoryBus.with(.unlimited) { bus in
            let beta = try await bus.join("beta")
            let alpha = try await bus.join("alpha")
            try await beta.expect("peer_joined")
            for number in 0..<200 { try await alpha.send(#"{"op":"send","to":"beta","text":"\#(number)"}"#) }
            var ids: [String] = []
            for number in 0..<200 {
                let message = try await beta.expect("msg")
                #expect(try message.string("text") == "\(number)")
                ids.append(try message.requiredString("msg_id"))
            }
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        }
    }

    @Test("a broadcast reaches everybody else, without to, and its sender not")
    func broadcast() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            let gamma = try await bus.join("gamma")
            for _ in 0..<2 { try await alpha.expect("peer_joined") }
            try await beta.expect("peer_joined")
            try await bus.control("alpha").send(#"{"op":"broadcast","text":"all"}"#)
            for peer in [beta, gamma] {
                let message = try await peer.expect("msg")
                #expect(try message.string("from") == "id-alpha")
                #expect(!message.has("to") && !message.has("to_session_id"))
            }
            try await alpha.expectSilence()
        }
    }

    @Test("a broadcast that nobody can hear is accepted all the same")
    func lonelyBroadcast() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            try await alpha.send(#"{"op":"broadcast","text":"all"}"#)
            try await alpha.expectSilence()
        }
    }

    @Test("the 61st broadcast of an agent within a minute is refused, on whichever connection")
    func rateLimit() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let first = try await bus.control("alpha")
            let second = try await bus.control("alpha")
            for number in 0..<60 {
                try await [alpha, first, second][number % 3].send(#"{"op":"broadcast","text":"x"}"#)
            }
            for peer in [alpha, first, second] {
                try await peer.expectSilence()
                try await peer.send(#"{"op":"broadcast","text":"x"}"#)
                let wait = try await peer.expectError("rate_limited").integer("retry_after")
                #expect((1...60).contains(try #require(wait)))
            }
        }
    }

    @Test("list answers with the agents alone")
    func list() async throws {
        try await MemoryBus.with { bus in
            let beta = try await bus.connect(isLocalUser: true)
            try await beta.send(
                #"{"op":"hello","role":"agent","session_id":"id-beta","name":"beta","label":"é e\u0301","cwd":"/w"}"#
            )
            try await beta.expect("welcome")
            _ = try await bus.join("alpha")
            let control = try await bus.control("alpha")
            try await control.send(#"{"op":"list","ref":"l"}"#)
            let listing = try await control.expect("list_ok")
            #expect(try listing.string("ref") == "l")
            let sessions = try #require(try listing.objects("sessions"))
            #expect(try sessions.map { try $0.string("name") } == ["alpha", "beta"])
            #expect(try sessions[1].string("label") == "é é", "labels are in NFC")
            #expect(try sessions[1].string("cwd") == "/w")
            #expect(try sessions[1].string("since")?.hasSuffix("Z") == true)
        }
    }

    @Test("rename answers the one who asked and tells the others")
    func rename() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            try await alpha.send(#"{"op":"rename","name":"omega"}"#)
            let answer = try await alpha.expect("renamed")
            #expect(try answer.string("name") == "omega")
            #expect(!answer.has("session_id"))
            let news = try await beta.expect("renamed")
            #expect(try news.string("session_id") == "id-alpha")
            try await beta.send(#"{"op":"send","to":"omega","text":"x"}"#)
            try await alpha.expect("msg")
            try await beta.send(#"{"op":"send","to":"alpha","text":"x"}"#)
            try await beta.expectError("unknown_peer")
        }
    }

    @Test("a tool that renames its agent is answered, and the agent hears of it")
    func renameByControl() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let control = try await bus.control("alpha")
            try await control.send(#"{"op":"rename","name":"omega"}"#)
            #expect(try await control.expect("renamed").string("name") == "omega")
            #expect(try await alpha.expect("renamed").string("session_id") == "id-alpha")
        }
    }

    @Test(
        "a rename that breaks a rule changes nothing",
        arguments: [("beta", "name_taken"), ("Big", "invalid_name"), ("", "invalid_name")]
    )
    func renameRefused(name: String, code: String) async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            try await alpha.send(#"{"op":"rename","name":"\#(name)"}"#)
            let error = try await alpha.expectError(code)
            if code == "name_taken" { #expect(try error.strings("candidates")?.first == "beta-2") }
            try await beta.expectSilence()
        }
    }

    @Test("a text at the limit passes and one byte more does not")
    func textLimits() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            let cases = [("\"op\":\"broadcast\"", 256 * 1024), ("\"op\":\"send\",\"to\":\"beta\"", 10 * 1024 * 1024)]
            for (op, limit) in cases {
                try await alpha.send("{\(op),\"text\":\"\(String(repeating: "x", count: limit))\"}")
                #expect(try await beta.expect("msg").string("text")?.utf8.count == limit)
                try await alpha.send("{\(op),\"text\":\"\(String(repeating: "x", count: limit + 1))\"}")
                #expect(try await alpha.expectError("text_too_long").integer("limit") == limit)
            }
        }
    }

    @Test("bye closes with 1000, and the others hear of it once")
    func bye() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            try await beta.send(#"{"op":"bye"}"#)
            try await beta.expectClose(1000)
            try await alpha.expect("peer_left")
            try await alpha.expectSilence()
        }
    }
}
