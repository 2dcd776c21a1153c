import NIOCore
import NIOWebSocket
import Testing

@testable import BusServer

@Suite("unmasking")
struct FrameUnmaskingTests {
    @Test("takes off what NIO puts on, whatever the length", arguments: Array(0...40) + [1 << 20 + 3])
    func inverse(length: Int) {
        let key: WebSocketMaskingKey = [0x12, 0x9F, 0xFF, 0x01]
        let plain = ByteBuffer(bytes: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        // A buffer that begins anywhere, as those of the decoder do.
        var masked = ByteBuffer(bytes: [0, 0, 0])
        masked.writeImmutableBuffer(plain)
        masked.moveReaderIndex(forwardBy: 3)
        masked.webSocketMask(key)
        masked.unmask(key)
        #expect(masked == plain)
    }
}
