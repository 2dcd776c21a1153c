import InterSessionCore
import NIOCore
import NIOWebSocket
import Testing

@testable import BusServer

@Suite("goodbye")
struct GoodbyeTests {
    @Test(
        "says what the peer did wrong",
        arguments: [
            (NIOWebSocketError.invalidFrameLength, .messageTooBig),
            (NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge, .messageTooBig),
            (NIOWebSocketFrameAggregator.Error.tooManyFragments, .messageTooBig),
            (NIOWebSocketError.fragmentedControlFrame, .protocolError),
            (NIOWebSocketFrameAggregator.Error.receivedNewFrameWithoutFinishingPrevious, .protocolError),
            (FrameUnmasking.Violation.unmasked, .protocolError),
            (FrameUnmasking.Violation.reservedBits, .protocolError),
            (ChannelError.eof, nil),
            (IOError(errnoCode: 104, reason: "read"), nil),
        ] as [(any Error, CloseCode?)]
    )
    func reasons(_ error: any Error, expected: CloseCode?) {
        #expect(Goodbye(becauseOf: error)?.code == expected)
    }

    @Test("is the code, big-endian, and the reason")
    func frame() {
        let frame = Goodbye(code: .messageTooBig, reason: "no").frame
        #expect(frame.opcode == .connectionClose)
        #expect(frame.fin)
        #expect(frame.data == ByteBuffer(bytes: [0x03, 0xF1, UInt8(ascii: "n"), UInt8(ascii: "o")]))
    }
}
