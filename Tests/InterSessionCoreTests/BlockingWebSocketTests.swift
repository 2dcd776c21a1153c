import Foundation
import NIOCore
import Platform
import TestSupport
import Testing

@testable import InterSessionCore

@Suite("blocking WebSocket")
struct BlockingWebSocketTests {
    private static let accepted = Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".utf8)

    /// A tool's end, and what a server at the other end has said before it ends.
    private func exchange(_ said: [UInt8], staysOpen: Bool = false) throws -> (BlockingWebSocket, server: Descriptor) {
        let (ours, theirs) = try Self.pair()
        try theirs.write(said)
        if !staysOpen { shutdown(theirs.number, Int32(SHUT_WR)) }
        return (BlockingWebSocket(on: ours, within: .milliseconds(staysOpen ? 50 : 60_000)), theirs)
    }

    private static func pair() throws -> (Descriptor, Descriptor) {
        var ends: [Int32] = [-1, -1]
        #if os(Linux)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, stream, 0, &ends) == 0 else { throw PlatformError("make a pair of sockets") }
        return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    }

    private func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length =
            payload.count < 126
            ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        return [0x80 | opcode] + length + payload
    }

    @Test("frames are read one after the other, short and long, and those of ops to come are passed over")
    func frames() throws {
        let reference = String(repeating: "x", count: 100)
        let texts = [
            #"{"op":"pong","ref":"a"}"#, #"{"op":"yet_to_come"}"#, #"{"op":"pong","ref":"\#(reference)","more":1}"#,
        ]
        var (socket, _) = try exchange(Self.accepted + texts.flatMap { frame(1, Array($0.utf8)) })
        #expect(try socket.read() == .pong(ref: "a"))
        #expect(try socket.read() == .pong(ref: reference))
        #expect(try socket.read() == nil)
    }

    @Test("what the server says before it closes is the error")
    func closed() throws {
        var (socket, _) = try exchange(Self.accepted + frame(8, [0x0F, 0xA1] + Array("gone".utf8)))
        #expect(throws: BusError.closed(code: 4001, reason: "gone")) { try socket.read() }
    }

    @Test("what is no answer of a server cannot be read", arguments: ["HTTP/1.1 403 Forbidden\r\n\r\n", "x\r\n\r\n"])
    func refused(head: String) throws {
        var (socket, _) = try exchange(Array(head.utf8))
        #expect(throws: BusError.unreadable("it refused the WebSocket upgrade")) { try socket.read() }
    }

    @Test(
        "frames that break the rules cannot be read",
        arguments: [[0x01, 0x00], [0x81, 0x80], [0xC1, 0x00]]
    )
    func unreadable(bytes: [UInt8]) throws {
        var (socket, _) = try exchange(Self.accepted + bytes)
        #expect(throws: BusError.unreadable("it sends no whole WebSocket frames")) { try socket.read() }
    }

    @Test("a server that accepts and says nothing is given up")
    func silence() throws {
        var (socket, server) = try exchange([], staysOpen: true)
        #expect(throws: BusError.noAnswer) { try socket.read() }
        withExtendedLifetime(server) {}
    }

    @Test("a server that ends before it has read all of a large question has still said why")
    func refusedWhileWriting() throws {
        let refusal = ServerFrame.error(.init(code: .init(rawValue: "text_too_long"), message: "too long"))
        var (socket, server) = try exchange(Self.accepted + frame(1, Array(buffer: refusal.encode())))
        socket.write(.send(to: "a", .init(String(repeating: "x", count: 2 * 1024 * 1024))))
        #expect(try socket.read() == refusal)
        withExtendedLifetime(server) {}
    }

    @Test("a question goes out masked, behind the upgrade, and a ping is answered with its payload")
    func written() throws {
        var (socket, server) = try exchange(Self.accepted + frame(9, [1, 2, 3]), staysOpen: true)
        socket.write(.ping)
        #expect(throws: BusError.noAnswer) { try socket.read() }
        var space = [UInt8](repeating: 0, count: 4096)
        let count = try space.withUnsafeMutableBytes { try server.read(into: $0) }
        let said = Array(space[..<count])
        let end = try #require(said.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound)
        #expect(said[..<end].starts(with: Array("GET / HTTP/1.1\r\n".utf8)))
        var frames = said[end...]
        #expect(unmask(&frames) == Array(#"{"op":"ping"}"#.utf8))
        #expect(unmask(&frames) == [1, 2, 3])
        #expect(frames.isEmpty)
    }

    /// The payload of the first frame, which is a short one.
    private func unmask(_ frames: inout ArraySlice<UInt8>) -> [UInt8] {
        guard frames.count >= 6 else { return [] }
        let bytes = Array(frames)
        let length = Int(bytes[1] & 0x7F)
        frames = frames.dropFirst(6 + length)
        return (0..<length).map { bytes[6 + $0] ^ bytes[2 + $0 % 4] }
    }
}
