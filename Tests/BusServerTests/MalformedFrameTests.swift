import InterSessionCore
import NIOCore
import NIOWebSocket
import Testing

@testable import BusServer

/// What a peer is told that says something which is no frame of the protocol.
@Suite("malformed frames")
struct MalformedFrameTests {
    @Test(
        "a frame that cannot be meant is refused, and the connection lives on",
        arguments: [
            (#"{"op":"dance"}"#, "unknown_op"),
            (#"{"op":"send""#, "unknown_op"),
            (#"not json"#, "unknown_op"),
            (#"[{"op":"ping"}]"#, "invalid_payload"),
            (#"[{"op":"ping"}"#, "unknown_op"),
            (#"{"op":"ping"} {}"#, "unknown_op"),
            (#"{}"#, "invalid_payload"),
            (#"{"op":7}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta"}"#, "invalid_payload"),
            (#"{"op":"send","text":"x"}"#, "invalid_payload"),
            (#"{"op":"send","to":1,"text":"x"}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta","text":null}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta","text":["x"]}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta","text":""}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta","text":"\ud800"}"#, "invalid_payload"),
            (#"{"op":"send","to":"beta","to":"beta","text":"x"}"#, "invalid_payload"),
            (#"{"op":"broadcast","text":""}"#, "invalid_payload"),
            (#"{"op":"broadcast"}"#, "invalid_payload"),
            (#"{"op":"rename"}"#, "invalid_payload"),
            (#"{"op":"ping","ref":7}"#, "invalid_payload"),
            (#"{"op":"send","to":"","text":"x"}"#, "unknown_peer"),
            (#"{"op":"send","to":"alpha","text":"x"}"#, "unknown_peer"),
            (#"{"op":"send","to":"id-alpha","text":"x"}"#, "unknown_peer"),
        ]
    )
    func refused(frame: String, code: String) async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let beta = try await bus.join("beta")
            try await alpha.expect("peer_joined")
            try await alpha.send(frame)
            try await alpha.expectError(code)
            try await alpha.expectSilence()
            try await beta.expectSilence()
        }
    }

    @Test("nesting that eats a stack is refused")
    func deep() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
            try await alpha.send(#"{"op":"ping","x":\#(deep)}"#)
            try await alpha.expectError("invalid_payload")
        }
    }

    @Test("what is not a masked text frame ends the connection with its own code")
    func frames() async throws {
        try await MemoryBus.with { bus in
            let binary = try await bus.join("binary")
            try await binary.send(.binary, ByteBuffer(string: "{}"))
            try await binary.expectClose(1003)
            let unmasked = try await bus.join("unmasked")
            try await unmasked.send(.text, ByteBuffer(string: "{}"), masked: false)
            try await unmasked.expectClose(1002)
            let invalid = try await bus.join("invalid")
            try await invalid.send(.text, ByteBuffer(bytes: Array(#"{"op":""#.utf8) + [0xFF] + Array(#""}"#.utf8)))
            try await invalid.expectClose(1007)
            let outside = try await bus.join("outside")
            try await outside.send(.text, ByteBuffer(bytes: Array(#"{"op":"ping"}"#.utf8) + [0xFF]))
            try await outside.expectClose(1007)
            let reserved = try await bus.join("reserved")
            var extended = WebSocketFrame(fin: true, rsv1: true, opcode: .text, data: ByteBuffer(string: "{}"))
            extended.maskKey = [1, 2, 3, 4]
            try await reserved.channel.writeInbound(extended)
            try await reserved.expectClose(1002)
            let large = try await bus.join("large")
            let piece = ByteBuffer(repeating: 0x20, count: 9 * 1024 * 1024)
            try await large.send(.text, piece, fin: false)
            try await large.send(.continuation, piece)
            try await large.expectClose(1009)
        }
    }

    @Test("a message in fragments is one message")
    func fragments() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            try await alpha.send(.text, ByteBuffer(string: #"{"op":"pi"#), fin: false)
            try await alpha.send(.continuation, ByteBuffer(string: #"ng"}"#))
            try await alpha.expect("pong")
        }
    }
}
