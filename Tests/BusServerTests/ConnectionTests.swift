import InterSessionCore
import Logging
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Platform
import TestSupport
import Testing

@testable import BusServer

@Suite("connection")
struct ConnectionTests {
    @Test("answers to frames that were read together go out together, at their end")
    func flushesOnce() async throws {
        try await with { peer in
            try peer.sayHello()
            let flushes = peer.counter.flushes
            peer.channel.pipeline.fireChannelRead(EmbeddedPeer.text(#"{"op":"ping","ref":"1"}"#))
            peer.channel.pipeline.fireChannelRead(EmbeddedPeer.text(#"{"op":"ping","ref":"2"}"#))
            #expect(try peer.next() == nil)
            peer.channel.pipeline.fireChannelReadComplete()
            #expect(peer.counter.flushes == flushes + 1)
            #expect(try peer.next()?.contains(#""ref":"1""#) == true)
            #expect(try peer.next()?.contains(#""ref":"2""#) == true)
        }
    }

    @Test("what nobody asked for goes out at the end of the turn")
    func flushesAtTheEnd() async throws {
        try await with { peer in
            try peer.sayHello()
            peer.connection.write(.pong(ref: "a"))
            peer.connection.write(.pong(ref: "b"))
            #expect(try peer.next() == nil)
            peer.channel.embeddedEventLoop.run()
            #expect(try peer.next()?.contains(#""ref":"a""#) == true)
            #expect(try peer.next()?.contains(#""ref":"b""#) == true)
        }
    }

    @Test("a sender that is ahead of the disk is not read from until enough is written")
    func holdsReading() async throws {
        try await with { peer in
            peer.connection.hold(bytes: 2 << 20)
            let reads = peer.counter.reads
            peer.channel.read()
            #expect(peer.counter.reads == reads)
            peer.connection.settle(bytes: 2 << 20)
            #expect(peer.counter.reads == reads + 1)
            peer.channel.read()
            #expect(peer.counter.reads == reads + 2)
        }
    }

    @Test("a wrong token is answered after a while, and nothing is listened to meanwhile")
    func wrongToken() async throws {
        try await with(isLocalUser: false) { peer in
            try peer.send(#"{"op":"hello","role":"observer","token":"wrong"}"#)
            try peer.send(#"{"op":"ping"}"#)
            #expect(try peer.next() == nil)
            peer.channel.embeddedEventLoop.advanceTime(by: .init(WireLimits.wrongTokenDelay))
            #expect(try peer.next()?.contains("unauthorized") == true)
            try peer.expectGoodbye(.policyViolation)
        }
    }

    @Test("who does not say hello is closed, and whose it was may be given to another")
    func helloDeadline() async throws {
        try await with { peer in
            peer.channel.embeddedEventLoop.advanceTime(by: .init(WireLimits.helloDeadline))
            try peer.expectGoodbye(.policyViolation)
            #expect(!peer.channel.isActive)
            #expect(peer.timesKnown.count == 1)
        }
    }

    @Test("who has said hello is known once, and stays")
    func known() async throws {
        try await with { peer in
            try peer.sayHello()
            #expect(peer.timesKnown.count == 1)
            peer.channel.embeddedEventLoop.advanceTime(by: .init(WireLimits.helloDeadline))
            #expect(peer.channel.isActive)
            _ = try peer.channel.finish()
            #expect(peer.timesKnown.count == 1)
        }
    }

    @Test("a peer answers pings when anything is heard of it")
    func liveness() async throws {
        try await with { peer in
            try peer.sayHello()
            #expect(peer.connection.answersPings)
            peer.connection.ping()
            #expect(!peer.connection.answersPings)
            peer.channel.pipeline.fireChannelRead(WebSocketFrame(fin: true, opcode: .pong, data: ByteBuffer()))
            peer.channel.pipeline.fireChannelReadComplete()
            #expect(peer.connection.answersPings)
        }
    }

    @Test("nothing is written behind a goodbye, and it is said once")
    func closesOnce() async throws {
        try await with { peer in
            try peer.sayHello()
            #expect(peer.connection.close(.gone) != nil)
            #expect(peer.connection.close(.normal) == nil)
            peer.connection.write(.pong(ref: nil))
            peer.channel.embeddedEventLoop.run()
            try peer.expectGoodbye(.gone)
            #expect(try peer.next() == nil)
        }
    }

    // MARK: A connection without a socket

    /// Runs `body` with a connection on a bus whose storage does nothing.
    private func with(isLocalUser: Bool = true, _ body: (EmbeddedPeer) throws -> Void) async throws {
        try await TemporaryDirectory.with { path in
            try body(try EmbeddedPeer(DataDirectory(path: path), isLocalUser: isLocalUser))
        }
    }
}

/// A connection in an embedded channel, and what it has its socket do.
private final class EmbeddedPeer {
    let channel = EmbeddedChannel()
    let connection: Connection
    let counter = Counter()
    let timesKnown = Times()
    private let bus: Bus

    final class Times { var count = 0 }

    init(_ directory: DataDirectory, isLocalUser: Bool) throws {
        try directory.prepare()
        try File.create(directory.token, with: MemoryBus.token.utf8)
        let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
        let given = Bus.Parameters(directory: directory, token: try BearerToken(of: directory), logger: logger)
        bus = Bus(
            try Bus.OpenedStore(directory.path, MailSettings()),
            given,
            channel.embeddedEventLoop,
            databaseWasReplaced: {},
            onIdle: {}
        )
        connection = Connection(
            router: bus.router.value,
            isLocalUser: isLocalUser,
            logger: logger,
            onKnown: { [timesKnown] in timesKnown.count += 1 }
        )
        try channel.pipeline.syncOperations.addHandlers([counter, connection] as [any ChannelHandler])
        connection.startHelloDeadline(on: channel)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/embedded"), promise: nil)
    }

    static func text(_ text: String) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text))
    }

    func send(_ text: String) throws {
        try channel.writeInbound(Self.text(text))
    }

    func sayHello() throws {
        try send(#"{"op":"hello","role":"observer"}"#)
        #expect(try next()?.contains("welcome") == true)
    }

    /// The text of the next frame that has left; nil when there is none.
    func next() throws -> String? {
        try channel.readOutbound(as: WebSocketFrame.self).map { String(buffer: $0.data) }
    }

    func expectGoodbye(_ code: CloseCode, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let frame = try #require(try channel.readOutbound(as: WebSocketFrame.self), sourceLocation: sourceLocation)
        #expect(frame.opcode == .connectionClose, sourceLocation: sourceLocation)
        #expect(frame.data.getInteger(at: 0) == code.rawValue, sourceLocation: sourceLocation)
    }
}

/// Stands between the connection and its socket.
private final class Counter: ChannelOutboundHandler {
    typealias OutboundIn = WebSocketFrame

    private(set) var reads = 0
    private(set) var flushes = 0

    func read(context: ChannelHandlerContext) {
        reads += 1
        context.read()
    }

    func flush(context: ChannelHandlerContext) {
        flushes += 1
        context.flush()
    }
}
