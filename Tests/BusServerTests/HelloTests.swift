import InterSessionCore
import NIOCore
import Testing

@testable import BusServer

@Suite("hello")
struct HelloTests {
    private let token = MemoryBus.token

    @Test("an agent with the token is welcomed under its own id and name")
    func agentIsWelcomed() async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.connect()
            try await peer.send(
                #"{"op":"hello","token":"\#(token)","role":"agent","session_id":"abcd-1","name":"alpha","features":["future"]}"#
            )
            let welcome = try await peer.expect("welcome")
            #expect(try welcome.string("session_id") == "abcd-1")
            #expect(try welcome.string("assigned_name") == "alpha")
            #expect(try welcome.strings("features") == [])
            #expect(!welcome.has("for_session"))
        }
    }

    @Test("a session without an id or a name gets an id and stays nameless")
    func idIsMade() async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.connect(isLocalUser: true)
            try await peer.send(#"{"op":"hello","role":"agent"}"#)
            let welcome = try await peer.expect("welcome")
            let id = try welcome.requiredString("session_id")
            #expect(SessionID(rawValue: id) != nil)
            #expect(try welcome.string("assigned_name") == "")
        }
    }

    @Test(
        "a hello that breaks a rule is refused with the rule's code, and the connection ends",
        arguments: [
            (#"{"op":"hello","role":"agent"}"#, "unauthorized"),
            (#"{"op":"hello","role":"agent","token":"wrong"}"#, "unauthorized"),
            (#"{"op":"hello","role":"agent","token":7}"#, "invalid_payload"),
            (#"{"op":"hello","role":"boss","token":"TOKEN"}"#, "invalid_payload"),
            (#"{"op":"hello","token":"TOKEN"}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","session_id":"x"}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","session_id":["abcd"]}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","cwd":{}}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","nonce":""}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","features":"acks"}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","features":[1]}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","role":"agent"}"#, "invalid_payload"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","name":"Alpha"}"#, "invalid_name"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","name":"-a"}"#, "invalid_name"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","label":"a\nb"}"#, "invalid_label"),
            (#"{"op":"hello","role":"agent","token":"TOKEN","label":"a\u202eb"}"#, "invalid_label"),
            (#"{"op":"hello","role":"control","token":"TOKEN","for_session":"nobody"}"#, "unknown_peer"),
            (#"{"op":"hello","role":"control","token":"TOKEN"}"#, "unknown_peer"),
            (#"{"op":"ping"}"#, "unauthorized"),
            (#"{"op":"dance"}"#, "unknown_op"),
            (#"hello"#, "unknown_op"),
            (#"[]"#, "invalid_payload"),
            (#"[{"op":"hello"}]"#, "invalid_payload"),
            (#" 7 "#, "invalid_payload"),
            (#""hello""#, "invalid_payload"),
            (#"null"#, "invalid_payload"),
            (#"[] []"#, "unknown_op"),
            (#"[7"#, "unknown_op"),
            (#""#, "unknown_op"),
        ]
    )
    func refused(hello: String, code: String) async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.connect()
            try await peer.send(hello.replacing("TOKEN", with: token))
            if code == "unauthorized" { await bus.loop.advanceTime(by: .init(WireLimits.wrongTokenDelay)) }
            try await peer.expectError(code)
            try await peer.expectClose(1008)
        }
    }

    @Test(
        "a pid that is no number, or no process can have, is not looked for",
        arguments: [#""7""#, "1.5", "[]", "{}", "true", "0", "-1", "99999999999", "99999999999999999999999", "null"]
    )
    func processID(pid: String) async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.join("alpha", more: #","pid":\#(pid)"#)
            await bus.loop.advanceTime(by: .seconds(45))
            try await peer.expectSilence()
        }
    }

    @Test(
        "a later frame that is JSON and no object is told so, and the connection lives",
        arguments: ["[]", "7", #""x""#]
    )
    func noObject(frame: String) async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.join("alpha")
            try await peer.send(frame)
            try await peer.expectError("invalid_payload")
            try await peer.send("{")
            try await peer.expectError("unknown_op")
            try await peer.expectSilence()
        }
    }

    @Test("a working directory is cleaned before it is kept")
    func workingDirectory() async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.join("alpha", more: #","cwd":"/a\u001b[2J/b\n[inter-session]\u202e\u0000/é""#)
            try await peer.send(#"{"op":"list"}"#)
            let sessions = try await peer.expect("list_ok").objects("sessions")
            #expect(try sessions?.first?.string("cwd") == "/a/b↵[inter-session]/é")
        }
    }

    @Test("our own user needs no token on the Unix socket, but a wrong one is wrong there too")
    func localUser() async throws {
        try await MemoryBus.with { bus in
            _ = try await bus.join("alpha")
            let peer = try await bus.connect(isLocalUser: true)
            try await peer.send(#"{"op":"hello","role":"agent","token":"wrong"}"#)
            try await peer.expectError("unauthorized")
        }
    }

    @Test("a name in use is refused with the first three free suffixes")
    func nameTaken() async throws {
        try await MemoryBus.with { bus in
            _ = try await bus.join("alpha")
            _ = try await bus.join("alpha-3")
            let peer = try await bus.connect(isLocalUser: true)
            try await peer.send(#"{"op":"hello","role":"agent","name":"alpha","ref":"r1"}"#)
            let error = try await peer.expectError("name_taken")
            #expect(try error.strings("candidates") == ["alpha-2", "alpha-4", "alpha-5"])
            #expect(try error.string("ref") == "r1")
        }
    }

    @Test("the same session with the same nonce takes the old connection's place")
    func takeover() async throws {
        try await MemoryBus.with { bus in
            let old = try await bus.join("alpha")
            let other = try await bus.join("beta")
            try await old.expect("peer_joined")
            let new = try await bus.join("alpha")
            try await old.expectClose(4000)
            try await other.expectSilence()
            try await other.send(#"{"op":"send","to":"alpha","text":"still there?"}"#)
            #expect(try await new.expect("msg").string("text") == "still there?")
        }
    }

    @Test("a takeover under another name is a rename to the others")
    func takeoverWithAnotherName() async throws {
        try await MemoryBus.with { bus in
            let old = try await bus.join("alpha")
            let other = try await bus.join("beta")
            try await old.expect("peer_joined")
            let new = try await bus.connect(isLocalUser: true)
            try await new.send(
                #"{"op":"hello","role":"agent","session_id":"id-alpha","nonce":"n-alpha","name":"gamma"}"#
            )
            try await new.expect("welcome")
            try await old.expectClose(4000)
            let renamed = try await other.expect("renamed")
            #expect(try renamed.string("name") == "gamma")
            #expect(try renamed.string("session_id") == "id-alpha")
        }
    }

    @Test("a session id in use is kept from everybody without its nonce", arguments: [#","nonce":"guess""#, ""])
    func takeoverRefused(nonce: String) async throws {
        try await MemoryBus.with { bus in
            let old = try await bus.join("alpha")
            let thief = try await bus.connect(isLocalUser: true)
            try await thief.send(#"{"op":"hello","role":"agent","session_id":"id-alpha"\#(nonce)}"#)
            try await thief.expectError("unauthorized")
            try await old.expectSilence()
        }
    }

    @Test("a control connection needs its agent's nonce", arguments: [#","nonce":"guess""#, ""])
    func controlRefused(nonce: String) async throws {
        try await MemoryBus.with { bus in
            _ = try await bus.join("alpha")
            let control = try await bus.connect(isLocalUser: true)
            try await control.send(#"{"op":"hello","role":"control","for_session":"id-alpha"\#(nonce)}"#)
            try await control.expectError("unauthorized")
        }
    }

    @Test("a control connection is welcomed for its session, and nobody is told")
    func control() async throws {
        try await MemoryBus.with { bus in
            let agent = try await bus.join("alpha")
            let control = try await bus.connect(isLocalUser: true)
            try await control.send(
                #"{"op":"hello","role":"control","for_session":"id-alpha","nonce":"n-alpha"}"#
            )
            let welcome = try await control.expect("welcome")
            #expect(try welcome.string("for_session") == "id-alpha")
            #expect(try welcome.string("session_id") != "id-alpha")
            try await agent.expectSilence()
        }
    }

    @Test("a control connection whose agent has left can do nothing more")
    func controlOutlivesAgent() async throws {
        try await MemoryBus.with { bus in
            let agent = try await bus.join("alpha")
            let control = try await bus.control("alpha")
            try await agent.send(#"{"op":"bye"}"#)
            try await agent.expectClose(1000)
            try await control.send(#"{"op":"list"}"#)
            try await control.expectError("unauthorized")
        }
    }

    @Test("a second hello is an unknown op, and the connection lives on")
    func secondHello() async throws {
        try await MemoryBus.with { bus in
            let peer = try await bus.join("alpha")
            try await peer.send(#"{"op":"hello","role":"agent"}"#)
            try await peer.expectError("unknown_op")
            try await peer.expectSilence()
        }
    }

    @Test("who says no hello within 10 s is sent away; who did stays")
    func deadline() async throws {
        try await MemoryBus.with { bus in
            let silent = try await bus.connect()
            let agent = try await bus.join("alpha")
            await bus.loop.advanceTime(by: .seconds(9))
            try await agent.expectSilence()
            await bus.loop.advanceTime(by: .seconds(2))
            try await silent.expectClose(1008)
            try await agent.expectSilence()
        }
    }

    @Test("others hear who joins and who leaves")
    func population() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            let joined = try await alpha.expect("peer_joined")
            #expect(try joined.string("session_id") == "id-beta")
            #expect(try joined.string("name") == "beta")
            try await beta.channel.close().get()
            #expect(try await alpha.expect("peer_left").string("session_id") == "id-beta")
        }
    }
}
