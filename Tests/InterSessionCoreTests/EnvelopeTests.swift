import InterSessionCore
import NIOCore
import Testing

@Suite("envelope")
struct EnvelopeTests {
    /// As another program writes it: other spacing, escapes, and fields of its own.
    private static let foreign = #"""
        { "envelope_version": "tinyplace.harness.session.v1", "version": 1, "x_trace": {"a": [1, {"b": null}]},
          "bucket": {"unit": "minute", "start": "2026-07-02T00:00:00Z", "end": "2026-07-02T00:01:00Z"},
          "scope": {"type": "session", "key": "b:claude:2", "cwd": "/r\u00e9po", "wrapper_session_id": "w-1.x",
                    "harness_session_id": "h1"},
          "harness": {"provider": "codex", "command": "codex", "argv": ["-p", "\ud83d\ude00"]},
          "message": {"id": "m1", "line": 3, "role": "user", "text": "hi\nthere \u2028", "timestamp": "2026-07-02T00:00:07Z",
                      "phase": "final_answer"},
          "source": {"path": "p", "record_type": "assistant", "source_role": "assistant"},
          "tp": {"v": 1, "from_session": "claude:2", "to_session": "claude:1", "in_reply_to": "hocod127xo", "auto": true,
                 "later": 7} }
        """#

    @Test("what another program wrote decodes to the same fields")
    func decodesForeign() throws {
        let envelope = try #require(SessionEnvelope(decoding: ByteBuffer(string: Self.foreign)))
        #expect(envelope.bucket.unit == "minute" && envelope.bucket.start == "2026-07-02T00:00:00Z")
        #expect(envelope.bucket.end == "2026-07-02T00:01:00Z")
        #expect(envelope.scope.kind == "session" && envelope.scope.key == "b:claude:2")
        #expect(envelope.scope.agent?.rawValue == "b" && envelope.scope.workingDirectory == "/répo")
        #expect(envelope.scope.wrapperSessionID == "w-1.x" && envelope.scope.harnessSessionID == "h1")
        #expect(envelope.harness.provider == "codex" && envelope.harness.command == "codex")
        #expect(envelope.harness.arguments == ["-p", "😀"])
        #expect(envelope.message.id == "m1" && envelope.message.line == 3 && envelope.message.role == .user)
        #expect(envelope.message.text == "hi\nthere \u{2028}" && envelope.message.phase == "final_answer")
        #expect(envelope.message.timestamp == "2026-07-02T00:00:07Z")
        #expect(envelope.source.path == "p" && envelope.source.recordType == "assistant")
        #expect(envelope.source.role == "assistant")
        #expect(envelope.routing.fromSession?.rawValue == "claude:2")
        #expect(envelope.routing.toSession?.rawValue == "claude:1")
        #expect(envelope.routing.inReplyTo == "hocod127xo" && envelope.routing.isAutomatic)
    }

    @Test("what is encoded decodes to itself")
    func roundTrip() throws {
        let foreign = try #require(SessionEnvelope(decoding: ByteBuffer(string: Self.foreign)))
        #expect(SessionEnvelope(decoding: foreign.encode()) == foreign)
        var bare = SessionEnvelope()
        bare.message.id = "1"
        bare.message.text = "\u{1}\u{0} \" \\ \u{FFFD} 🧑‍🧑‍🧒"
        #expect(SessionEnvelope(decoding: bare.encode()) == bare)
    }

    @Test("the bucket is the minute of the message, in UTC")
    func bucket() throws {
        let time = try #require(Timestamp(iso8601: "2026-12-31T23:59:59.999Z"))
        let bucket = SessionEnvelope.Bucket(of: time)
        #expect(bucket.start == "2026-12-31T23:59:00.000Z" && bucket.end == "2027-01-01T00:00:00.000Z")
        #expect(bucket.unit == "minute")
    }

    @Test(
        "a field of the wrong type costs that field only",
        arguments: [
            (#""id":7,"text":"t","role":"user""#, nil, "t"), (#""id":"m","text":["x"]"#, "m", ""),
            (#""id":"m","text":"t","line":"3","timestamp":{},"phase":1"#, "m", "t"),
            (#""id":null,"text":"t""#, nil, "t"), (#""id":"","text":"t""#, nil, "t"),
            (#""id":"a","id":"m","text":"t""#, "m", "t"), (#""id":"m","text":"a\ud800b""#, "m", "a\u{FFFD}b"),
            (#""id":"m","text":"\ud800\u0041""#, "m", "\u{FFFD}A"),
        ]
    )
    func wrongTypes(message: String, id: String?, text: String) throws {
        let body =
            #"{"envelope_version":"tinyplace.harness.session.v1","bucket":5,"scope":[],"harness":{"argv":[1]},"#
            + #""source":"s","message":{\#(message)},"tp":{"from_session":"claude:1","auto":"yes","to_session":4}}"#
        let decoded = OutsideMessage(decoding: ByteBuffer(string: body))
        #expect(decoded.id == id && decoded.text == text)
        #expect(decoded.fromSession?.rawValue == "claude:1" && decoded.toSession == nil)
        #expect(!decoded.isAutomatic && decoded.agent == nil)
    }

    @Test(
        "a role that is not user is agent",
        arguments: [("user", SessionEnvelope.Role.user), ("agent", .agent), ("assistant", .agent), ("USER", .agent)]
    )
    func roles(text: String, role: SessionEnvelope.Role) {
        #expect(decode(#""message":{"text":"t","role":"\#(text)"}"#).role == role)
    }

    @Test("any number of unknown fields, and deep ones, are kept out")
    func unknownFields() {
        let many = (0..<500).map { #""x\#($0)":\#($0)"# }.joined(separator: ",")
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let decoded = decode(#"\#(many),"deep":\#(deep),"message":{\#(many),"text":"t"}"#)
        #expect(decoded.text == "t")
    }

    @Test(
        "labels that are not safe are absent",
        arguments: [
            "claude 1", "", "a\\nb", "x]", "é", "a\\u0000", "\\u202e", "a/b", "../x", "a\\\"b",
            String(repeating: "a", count: 33),
        ]
    )
    func unsafeLabels(label: String) {
        let decoded = decode(
            #""scope":{"wrapper_session_id":"\#(label)"},"message":{"text":"t"},"#
                + #""tp":{"from_session":"\#(label)","to_session":"\#(label)"}"#
        )
        #expect(decoded.fromSession == nil && decoded.toSession == nil && decoded.text == "t")
    }

    @Test(
        "without a safe from_session the wrapper session stands in, if it is a safe label",
        arguments: [
            (#""tp":{}"#, "w-1", "w-1"), (#""tp":{"from_session":"b d"}"#, "w-1", "w-1"), (#""x":1"#, "w-1", "w-1"),
            (#""tp":{"from_session":"s"}"#, "w-1", "s"), (#""tp":{}"#, "w.1", nil),
        ]
    )
    func wrapperSession(tp: String, wrapper: String, label: String?) {
        let decoded = decode(#""scope":{"wrapper_session_id":"\#(wrapper)"},"message":{"text":"t"},\#(tp)"#)
        #expect(decoded.fromSession?.rawValue == label)
    }

    @Test(
        "the header of before there were envelopes",
        arguments: [
            ("\u{1}tp-auto\u{1}hello", true, nil, "hello"), ("\u{1}tp-auto\u{1}", true, nil, ""),
            ("\u{1}tp-auto\u{1}\u{1}re:m-7\u{1}hello\u{1}", true, "m-7", "hello\u{1}"),
            ("\u{1}tp-auto\u{1}\u{1}re:\u{1}hello", true, nil, "hello"),
            ("\u{1}tp-auto\u{1}\u{1}re:m-7", true, nil, "\u{1}re:m-7"), ("\u{1}tp-auto", false, nil, "\u{1}tp-auto"),
            ("\u{1}re:m-7\u{1}hello", false, nil, "\u{1}re:m-7\u{1}hello"), ("hello", false, nil, "hello"),
            ("x\u{1}tp-auto\u{1}", false, nil, "x\u{1}tp-auto\u{1}"), ("", false, nil, ""),
            (#"{"text":"no envelope"}"#, false, nil, #"{"text":"no envelope"}"#),
            (
                #"{"envelope_version":"tinyplace.harness.session.v9"}"#, false, nil,
                #"{"envelope_version":"tinyplace.harness.session.v9"}"#
            ),
        ]
    )
    func legacyAndPlain(body: String, isAutomatic: Bool, inReplyTo: String?, text: String) {
        let decoded = OutsideMessage(decoding: ByteBuffer(string: body))
        #expect(decoded.isAutomatic == isAutomatic && decoded.inReplyTo == inReplyTo && decoded.text == text)
        #expect(decoded.id == nil && decoded.agent == nil && decoded.fromSession == nil)
    }

    @Test("bytes that are no UTF-8 are text with marks in their places")
    func notUTF8() {
        #expect(OutsideMessage(decoding: ByteBuffer(bytes: [0x61, 0xFF, 0x62])).text == "a\u{FFFD}b")
    }

    @Test("20,000 bodies that were damaged at random decode to something safe")
    func damage() {
        var generator = Seeded(state: 42)
        let seeds = [Self.foreign, "\u{1}tp-auto\u{1}\u{1}re:m-7\u{1}hello", "plain"].map { Array($0.utf8) }
        let splices: [[UInt8]] = ["\"", "\\u", "\\ud800", "{", "]", "\u{1}", "null", "1e999", "\u{202E}"].map {
            Array($0.utf8)
        }
        for _ in 0..<20_000 {
            var body = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !body.isEmpty {
                let place = Int.random(in: 0..<body.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: body[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: body.removeSubrange(place..<min(body.count, place + Int.random(in: 1...9, using: &generator)))
                case 2: body.insert(contentsOf: splices.randomElement(using: &generator) ?? [], at: place)
                default: body.removeLast(body.count - place)
                }
            }
            let decoded = OutsideMessage(decoding: ByteBuffer(bytes: body))
            for label in [decoded.fromSession, decoded.toSession] {
                #expect(label.map { $0.rawValue.wholeMatch(of: /[A-Za-z0-9_:-]{1,32}/) != nil } ?? true)
            }
            #expect(decoded.id.map { !$0.isEmpty && $0.utf8.count <= 128 } ?? true)
        }
    }

    private func decode(_ fields: String) -> OutsideMessage {
        OutsideMessage(
            decoding: ByteBuffer(string: #"{"envelope_version":"tinyplace.harness.session.v1",\#(fields)}"#)
        )
    }

    @Test("an id that holds a U+0000 is as if it were not there: it could be no key")
    func idWithZero() {
        let parts = #""message":{"id":"m1\u0000b","text":"x"},"tp":{"in_reply_to":"a\u0000b"}"#
        let body = #"{"envelope_version":"tinyplace.harness.session.v1",\#(parts)}"#
        let message = OutsideMessage(decoding: ByteBuffer(string: body))
        #expect(message.text == "x" && message.id == nil && message.inReplyTo == nil)
        let header = OutsideMessage(decoding: ByteBuffer(string: "\u{1}tp-auto\u{1}\u{1}re:a\u{0}b\u{1}x"))
        #expect(header.isAutomatic && header.text == "x" && header.inReplyTo == nil)
    }
}

/// The same numbers in every run (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
