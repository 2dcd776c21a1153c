import InterSessionCore
import Logging
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Platform

@testable import BusServer

/// Keeps what the server has flushed to a socket, so that it is taken for many peers at once.
final class FrameRecorder: ChannelOutboundHandler {
    typealias OutboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private var written: [WebSocketFrame] = []
    private var flushed: [WebSocketFrame] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written.append(unwrapOutboundIn(data))
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        flushed += written
        written = []
        context.flush()
    }

    func take() -> [WebSocketFrame] {
        defer { flushed = [] }
        return flushed
    }
}

/// A client's end of a connection in memory.
struct RecordedPeer: Sendable {
    private let channel: NIOAsyncTestingChannel
    private let loop: NIOAsyncTestingEventLoop
    let recorder: NIOLoopBound<FrameRecorder>

    init(to bus: MemoryBus) async throws {
        let loop = bus.loop
        let channel = NIOAsyncTestingChannel(loop: loop)
        let router = bus.bus.router
        recorder = try await loop.executeInContext {
            let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
            let connection = Connection(router: router.value, isLocalUser: true, logger: logger)
            let recorder = FrameRecorder()
            try channel.pipeline.syncOperations.addHandlers(
                [recorder as any ChannelHandler] + BusListener.frameHandlers(connection)
            )
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/memory"), promise: nil)
            return NIOLoopBound(recorder, eventLoop: loop)
        }
        (self.channel, self.loop) = (channel, loop)
    }

    /// On a connection that the server has closed nothing is said, which the comparison finds.
    func say(_ json: String) async {
        let key: WebSocketMaskingKey = [1, 2, 3, 4]
        var data = ByteBuffer(string: json)
        data.webSocketMask(key)
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: key, data: data)
        await inLoop { channel in
            guard channel.isActive else { return }
            channel.pipeline.syncOperations.fireChannelRead(NIOAny(frame))
            channel.pipeline.syncOperations.fireChannelReadComplete()
        }
    }

    /// Ends the connection without a word.
    func drop() async {
        await inLoop { $0.close(promise: nil) }
    }

    private func inLoop(_ body: @escaping @Sendable (NIOAsyncTestingChannel) -> Void) async {
        await withCheckedContinuation { continuation in
            loop.execute { [channel] in
                body(channel)
                continuation.resume()
            }
        }
    }
}

extension MemoryBus {
    /// Waits until everything that was said has had its effect.
    ///
    /// - Parameter turns: of the storage. What is done at once may ask it for more: a batch for the next one, a merge for
    ///   a page to read.
    /// - Returns: what each of the peers was told.
    func settle(
        turns: Int = 4,
        taking recorders: [NIOLoopBound<FrameRecorder>] = []
    ) async throws -> [[WebSocketFrame]] {
        let storage = bus.storage
        return try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                storage.value.wait(turns: turns) { outcome in
                    continuation.resume(with: outcome.map { recorders.map { $0.value.take() } })
                }
            }
        }
    }

    /// Copies what a server leaves behind that is killed in this moment.
    ///
    /// - Returns: what each of the peers was told until now. What is accepted, and not said yet, may be in the copy.
    func copyAsKilled(
        to path: String,
        taking recorders: [NIOLoopBound<FrameRecorder>]
    ) async throws -> [[WebSocketFrame]] {
        let storage = bus.storage
        let source = directory.path
        return try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                let frames = recorders.map { $0.value.take() }
                // Nothing is written while the storage's thread copies. Moved into the database from its log it may be,
                // so that the log is copied first.
                storage.value.perform { _ in
                    try Directory.ensurePrivate(path)
                    for name in ["mail.sqlite-wal", "mail.sqlite", "messages.log", "token"]
                    where File.exists("\(source)/\(name)") {
                        try File.copy("\(source)/\(name)", to: "\(path)/\(name)", mode: 0o600)
                    }
                } then: { outcome in
                    continuation.resume(with: outcome.map { frames })
                }
            }
        }
    }
}

extension Storage {
    /// Calls back when the storage has done what it was asked for, as often in a row.
    fileprivate func wait(turns: Int, then completion: @escaping (Result<Void, any Error>) -> Void) {
        perform { _ in
        } then: { [self] outcome in
            if turns > 1 { wait(turns: turns - 1, then: completion) } else { completion(outcome) }
        }
    }
}
