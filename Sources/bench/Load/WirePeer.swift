import InterSessionCore
import Platform
import Synchronization

/// A peer that costs next to nothing, so that the server is what is measured: it writes frames that were made before
/// and looks at the first bytes of what it gets. It blocks its thread.
final class WirePeer: Sendable {
    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    private let socket: Descriptor
    private let unread = Mutex(Unread())

    /// Connects, and asks for a WebSocket.
    init(_ path: String) throws {
        socket = try UnixSocket.connect(path)
        try socket.write(Self.upgrade)
    }

    /// Joins the bus as an agent.
    convenience init(_ path: String, agent name: String, features: String) throws {
        try self.init(path)
        try sayHello(#"{"op":"hello","role":"agent","name":"\#(name)","features":[\#(features)]}"#)
        try awaitWelcome()
    }

    private static let upgrade = Array(
        ("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8
    )

    func sayHello(_ text: String) throws {
        try socket.write(Self.frame(text))
    }

    func awaitWelcome() throws {
        try readHead()
        try read(until: { $0.starts(with: #"{"op":"welcome""#.utf8) })
    }

    /// RFC 6455, section 5.2: a masked text frame. The mask is zero, which changes nothing and costs the server as much.
    static func frame(_ text: String) -> [UInt8] {
        let length = text.utf8.count
        var frame: [UInt8] = [0x81]
        switch length {
        case ..<126: frame.append(0x80 | UInt8(length))
        case ..<65_536: frame += [0x80 | 126, UInt8(length >> 8), UInt8(length & 0xFF)]
        default: frame += [0x80 | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
        }
        frame += [0, 0, 0, 0]
        frame += text.utf8
        return frame
    }

    func write(_ frames: [UInt8]) throws {
        try socket.write(frames)
    }

    /// Reads frames until one satisfies `isLast`.
    func read(until isLast: (UnsafeRawBufferPointer) -> Bool) throws {
        try unread.withLock { unread in
            while !unread.takeFrame(until: isLast) { try unread.fill(from: socket) }
        }
    }

    /// Reads until so many frames have begun like that.
    func read(_ count: Int, of beginning: StaticString) throws {
        var left = count
        try read(until: { frame in
            if frame.begins(with: beginning) { left -= 1 }
            return left == 0
        })
    }

    /// Reads so many messages, and acknowledges what each look at the socket brings, as the client does.
    func receive(_ count: Int) throws {
        var left = count
        while left > 0 {
            var ids: [UInt8] = []
            try unread.withLock { unread in
                try unread.fill(from: socket)
                _ = unread.takeFrame(until: { frame in
                    guard frame.begins(with: Self.message) else { return false }
                    left -= 1
                    if !ids.isEmpty { ids.append(UInt8(ascii: ",")) }
                    ids.append(UInt8(ascii: "\""))
                    ids += frame[Self.message.utf8CodeUnitCount..<Self.message.utf8CodeUnitCount + 10]
                    ids.append(UInt8(ascii: "\""))
                    return false
                })
            }
            if ids.isEmpty { continue }
            try write(Self.frame(#"{"op":"ack","msg_ids":[\#(String(decoding: ids, as: UTF8.self))]}"#))
        }
    }

    private static let message: StaticString = #"{"op":"msg","msg_id":""#

    /// The answer to the upgrade ends with an empty line.
    private func readHead() throws {
        try unread.withLock { unread in
            while !unread.takeHead() { try unread.fill(from: socket) }
        }
    }
}

/// What was read from a socket and is no whole frame yet.
private struct Unread: Sendable {
    private var bytes = [UInt8](repeating: 0, count: 1 << 18)
    private var start = 0
    private var end = 0

    mutating func fill(from socket: Descriptor) throws {
        if start > 0 {
            bytes.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
            (start, end) = (0, end - start)
        }
        if end == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
        let count = try bytes.withUnsafeMutableBytes { space in
            try socket.read(into: UnsafeMutableRawBufferPointer(rebasing: space[end...]))
        }
        guard count > 0 else { throw WirePeer.Ended(description: "the server closed the connection") }
        end += count
    }

    mutating func takeHead() -> Bool {
        guard let place = bytes[start..<end].indices.first(where: { bytes[$0...].starts(with: "\r\n\r\n".utf8) }) else {
            return false
        }
        start = place + 4
        return true
    }

    /// - Returns: whether `isLast` was satisfied; else there is no whole frame left.
    mutating func takeFrame(until isLast: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        bytes.withUnsafeBytes { bytes in
            while end - start >= 2 {
                var header = 2
                var length = Int(bytes[start + 1] & 0x7F)
                if length >= 126 {
                    let size = length == 126 ? 2 : 8
                    guard end - start >= 2 + size else { return false }
                    length = bytes[start + 2..<start + 2 + size].reduce(0) { $0 << 8 | Int($1) }
                    header += size
                }
                guard end - start >= header + length else { return false }
                let frame = UnsafeRawBufferPointer(rebasing: bytes[start + header..<start + header + length])
                start += header + length
                if isLast(frame) { return true }
            }
            return false
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func begins(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        return UnsafeRawBufferPointer(rebasing: self[..<text.utf8CodeUnitCount])
            .elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
