import NIOCore
import NIOWebSocket
import Platform

/// The WebSocket of a tool that asks one question (RFC 6455): it waits in poll(2), without an event loop.
///
/// A tool lives for milliseconds, and a channel with its pipeline takes half of them to set up, see docs/PERFORMANCE.md.
struct BlockingWebSocket {
    private let socket: StreamSocket
    private var deadline: ContinuousClock.Instant
    private var unsent: ByteBuffer
    private var unread = ByteBuffer()
    private var isUpgraded = false

    /// Asks for a WebSocket on the connected socket.
    ///
    /// - Parameter limit: how long all of the exchange may take.
    init(on socket: Descriptor, within limit: Duration) {
        self.socket = StreamSocket(socket)
        deadline = .now + limit
        unsent = ByteBuffer(string: Self.upgrade)
    }

    /// Gives the exchange so much time from now, if it has less.
    mutating func extendDeadline(to limit: Duration) {
        deadline = max(deadline, .now + limit)
    }

    /// RFC 6455 §4.1. A key that nobody else has would keep a cache from answering; a Unix socket has none in between.
    private static let upgrade =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"

    /// Says it with the next ``read()``, behind what was said before; the server need not have answered yet.
    mutating func write(_ frame: ClientFrame) {
        write(.text, ClientRequest(frame).encode())
    }

    /// Waits for the next frame.
    ///
    /// - Returns: nil when the server ends the connection without a word.
    /// - Throws: ``BusError/noAnswer`` when the time is over, ``BusError/closed(code:reason:)`` when the server says why it
    ///   closes, ``BusError/unreadable(_:)``, ``PlatformError``.
    mutating func read() throws -> ServerFrame? {
        while true {
            if !isUpgraded { try takeHead() }
            while isUpgraded, let (opcode, payload) = try takeFrame() {
                switch opcode {
                case .text:
                    do {
                        if let frame = try ServerFrame.decode(payload) { return frame }
                    } catch {
                        throw BusError.unreadable("\(error)")
                    }
                case .ping: write(.pong, payload)
                case .connectionClose:
                    var reason = payload
                    throw BusError.closed(code: reason.readInteger(), reason: String(buffer: reason))
                default: break
                }
            }
            guard try exchangeBytes() else { return nil }
        }
    }

    // MARK: Frames

    /// RFC 6455 §5.2; a client masks what it sends.
    private mutating func write(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) {
        let isMasked: UInt8 = 0x80
        unsent.writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
        switch payload.readableBytes {
        case let length where length < 126: unsent.writeInteger(isMasked | UInt8(length))
        case let length where length < 65_536:
            unsent.writeInteger(isMasked | 126)
            unsent.writeInteger(UInt16(length))
        case let length:
            unsent.writeInteger(isMasked | 127)
            unsent.writeInteger(UInt64(length))
        }
        let key = WebSocketMaskingKey.random()
        unsent.writeBytes(key)
        var masked = payload
        masked.webSocketMask(key)
        unsent.writeBuffer(&masked)
    }

    /// The server's answer to the upgrade, once all of it is there.
    private mutating func takeHead() throws {
        let bytes = unread.readableBytesView
        guard let end = bytes.firstRange(of: "\r\n\r\n".utf8)?.upperBound else { return }
        guard bytes.starts(with: "HTTP/1.1 101 ".utf8) else {
            throw BusError.unreadable("it refused the WebSocket upgrade")
        }
        unread.moveReaderIndex(to: end)
        isUpgraded = true
    }

    /// The first frame, once all of it is there. The server neither masks nor fragments.
    private mutating func takeFrame() throws -> (WebSocketOpcode, ByteBuffer)? {
        var rest = unread
        guard let first: UInt8 = rest.readInteger(), let second: UInt8 = rest.readInteger() else { return nil }
        guard first & 0xF0 == 0x80, second & 0x80 == 0,
            let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0F)
        else { throw BusError.unreadable("it sends no whole WebSocket frames") }
        let length: Int?
        switch second {
        case 126: length = rest.readInteger(as: UInt16.self).map(Int.init)
        case 127: length = rest.readInteger(as: UInt64.self).map { Int(clamping: $0) }
        default: length = Int(second)
        }
        guard let length else { return nil }
        guard length <= WireLimits.serverFrame else { throw BusError.unreadable("a frame of \(length) bytes") }
        guard let payload = rest.readSlice(length: length) else { return nil }
        unread = rest
        return (opcode, payload)
    }

    // MARK: Bytes

    /// Waits until the server takes some of what is to be said, or says something itself: who only writes would never
    /// learn that it was refused.
    ///
    /// - Returns: false when the server has ended the connection.
    private mutating func exchangeBytes() throws -> Bool {
        let socket = socket
        guard let ready = try socket.wait(toWrite: unsent.readableBytes > 0, until: deadline) else {
            throw BusError.noAnswer
        }
        if ready.contains(.write) {
            switch try unsent.withUnsafeReadableBytes(socket.write) {
            case .bytes(let count): unsent.moveReaderIndex(forwardBy: count)
            case .nothing: break
            // Why is yet to be read.
            case .ended: unsent.clear()
            }
        }
        guard ready.contains(.read) else { return true }
        unread.discardReadBytes()
        var transfer = StreamSocket.Transfer.nothing
        try unread.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 * 1024) { space in
            transfer = try socket.read(into: space)
            if case .bytes(let count) = transfer { return count }
            return 0
        }
        if case .ended = transfer { return false }
        return true
    }
}
