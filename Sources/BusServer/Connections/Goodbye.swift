import InterSessionCore
import NIOCore
import NIOWebSocket

/// The last that is said on a connection (RFC 6455 §5.5.1).
struct Goodbye: Equatable {
    let code: CloseCode
    var reason = ""

    var frame: WebSocketFrame {
        var data = ByteBuffer(integer: code.rawValue)
        data.writeString(reason)
        return WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
    }
}

extension Goodbye {
    /// What a peer did wrong, as the pipeline before the connection has found it; nil where the socket failed, and
    /// nobody is there to hear it.
    init?(becauseOf error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge,
            NIOWebSocketFrameAggregator.Error.tooManyFragments:
            self.init(code: .messageTooBig, reason: "a frame may have \(WireLimits.frame) bytes")
        case FrameUnmasking.Violation.unmasked:
            self.init(code: .protocolError, reason: "frames of a client must be masked")
        case FrameUnmasking.Violation.reservedBits:
            self.init(code: .protocolError, reason: "no extension was agreed on")
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error:
            self.init(code: .protocolError, reason: "not WebSocket")
        default: return nil
        }
    }
}
