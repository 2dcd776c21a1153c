import InterSessionCore
import Logging
import NIOCore
import NIOWebSocket

/// One peer: frames in, decoded and routed in their order; frames out, as fast as the peer reads.
///
/// It lives on the server's one event loop from the first byte of the upgrade request to the end of the socket.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// Who is at the other end.
    enum Peer {
        case awaitingHello
        case agent(Agent)
        case control(HelloHandshake.ActingFor)
        case observer
    }

    /// A peer that leaves this much unread is cut off rather than kept in memory. Mail alone never comes to it: what
    /// is more than the connection takes stays in its mailbox.
    static let mostUnread = 32 * 1024 * 1024
    /// A peer that sends faster than the disk writes is not read from while this much of it is being written: the
    /// others wait for it. A single message may be larger.
    static let mostUnsettled = 1536 * 1024
    /// What a message counts for: its text, and what storing any message costs. A large one counts twice, so that the
    /// next of them is not taken in before it is written: each keeps the loop and the disk busy for milliseconds.
    static func weight(ofMessage bytes: Int) -> Int {
        bytes < 256 * 1024 ? bytes + 512 : bytes * 2
    }

    /// How long a peer may take to hear a goodbye out.
    static let lingering: TimeAmount = .seconds(10)

    var peer = Peer.awaitingHello {
        didSet { becameKnown() }
    }
    /// Called once, when the peer is known, or gone.
    var onKnown: () -> Void = {}
    /// What the peer and we both know.
    var features: Features = []
    /// Answers that were given to this connection instead of its agent, and are not acknowledged.
    var withheld: Set<MessageID> = []
    /// Whether the peer was heard of since it was last pinged.
    private(set) var answersPings = true
    /// The kernel vouches for the peer being our own user: it came through the Unix socket.
    let isLocalUser: Bool
    /// The process at the other end, in this process' own numbers, as the kernel says; 0 for one in a namespace that
    /// cannot be seen from here, nil where the kernel does not say.
    private let process: Int32?

    private let router: Router
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var helloDeadline: Scheduled<Void>?
    private var isClosing = false
    /// Nothing that it says is listened to any more.
    private var isRefused = false
    private var mustFlush = false
    private var isReading = false

    /// How many messages of this peer were accepted, and of how many the fate is decided, which happens in their order.
    private var acceptedMessages = 0
    private var settledMessages = 0
    private var unsettledBytes = 0
    /// What must not overtake the fate of the first so many messages.
    private var waiting: CircularBuffer<(messages: Int, action: (Connection) -> Void)> = []
    private var readIsHeld = false

    init(router: Router, isLocalUser: Bool, process: Int32? = nil, logger: Logger) {
        self.router = router
        self.isLocalUser = isLocalUser
        self.process = process
        self.logger = logger
    }

    /// The process that must live for as long as the peer is here; nil is not watched.
    ///
    /// - Parameter claimed: what the peer says. It may count in another pid namespace, so the kernel's word goes before.
    func watchedProcess(claimed: Int?) -> Int? {
        guard let claimed, claimed > 0 else { return nil }
        guard let process else { return claimed }
        return process > 0 ? Int(process) : nil
    }

    /// Ends the connection of a peer that takes too long to say who it is, be it in the upgrade or after it.
    func startHelloDeadline(on channel: any Channel) {
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        helloDeadline = channel.eventLoop.scheduleTask(in: .init(WireLimits.helloDeadline)) {
            guard case .awaitingHello = bound.value.peer else { return }
            bound.value.close(.policyViolation, reason: "no hello within 10 s")
            channel.close(promise: nil)
        }
        // Also of one that never came as far as the upgrade.
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            endHelloDeadline()
            becameKnown()
        }
    }

    private func endHelloDeadline() {
        helloDeadline?.cancel()
        helloDeadline = nil
    }

    // MARK: Frames in

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    private func becameKnown() {
        onKnown()
        onKnown = {}
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing, !isRefused else { return }
        isReading = true
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: receive(frame.data)
        case .ping: context.write(wrapOutboundOut(.init(fin: true, opcode: .pong, data: frame.data)), promise: nil)
        case .connectionClose: close(.normal)
        case .pong: break
        default: close(.unsupportedData, reason: "frames must be text")
        }
        mustFlush = true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        answersPings = true
        flushIfNeeded()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !isClosing { router.connectionDrained(self) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        endHelloDeadline()
        router.connectionClosed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge,
            NIOWebSocketFrameAggregator.Error.tooManyFragments:
            close(.messageTooBig, reason: "a frame may have \(WireLimits.frame) bytes")
        case FrameUnmasking.Violation.unmasked:
            close(.protocolError, reason: "frames of a client must be masked")
        case FrameUnmasking.Violation.reservedBits:
            close(.protocolError, reason: "no extension was agreed on")
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error:
            close(.protocolError, reason: "not WebSocket")
        default:
            // The peer is gone without goodbye.
            context.close(promise: nil)
        }
    }

    func read(context: ChannelHandlerContext) {
        guard unsettledBytes < Self.mostUnsettled else {
            readIsHeld = true
            return
        }
        context.read()
    }

    private func receive(_ text: ByteBuffer) {
        var ref: String?
        do {
            let request = try ClientRequest(decoding: text)
            ref = request.ref
            try router.route(request, from: self)
            endHelloDeadline()
        } catch let error as WireError {
            refuse(error, ref: ref)
        } catch let error as UndecodableFrame {
            refuse(error.reason, ref: error.ref)
        } catch {
            close(.invalidText, reason: "a text frame must be UTF-8")
        }
    }

    private func refuse(_ error: WireError, ref: String?) {
        guard case .awaitingHello = peer else { return write(error.frame(ref: ref)) }
        router.refusedHello(error)
        // Whoever is not let in at the first word must come again: guessing costs a connection, and time, each time.
        guard case .unauthorized = error, !isLocalUser, let context else { return end(with: error, ref: ref) }
        isRefused = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .init(WireLimits.wrongTokenDelay)) { bound.value.end(with: error, ref: ref) }
    }

    private func end(with error: WireError, ref: String?) {
        write(error.frame(ref: ref))
        close(.policyViolation, reason: error.code.rawValue)
    }

    // MARK: Frames out

    func write(_ frame: ServerFrame) {
        write(encoded: frame.encode())
    }

    /// Whether the socket takes more; ``Router/connectionDrained(_:)`` hears when it does again.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes a frame that several peers share.
    ///
    /// - Parameter written: called when the socket has taken it.
    func write(encoded text: ByteBuffer, written: (() -> Void)? = nil) {
        guard let context, !isClosing else { return }
        var promise: EventLoopPromise<Void>?
        if let written {
            promise = context.eventLoop.makePromise()
            promise?.futureResult.assumeIsolated().whenSuccess(written)
        }
        write(WebSocketFrame(fin: true, opcode: .text, data: text), promise, context)
    }

    /// Asks the peer for a sign of life.
    func ping() {
        guard let context, !isClosing else { return }
        answersPings = false
        write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()), nil, context)
    }

    private func write(_ frame: WebSocketFrame, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(frame), promise: promise)
        guard !mustFlush else { return }
        mustFlush = true
        // While its own frames are being read a connection is flushed at their end, otherwise at the end of this turn.
        guard !isReading else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.flushIfNeeded() }
    }

    /// Says goodbye and closes.
    ///
    /// - Returns: when the socket is closed; nil when it was closing already.
    @discardableResult
    func close(_ code: CloseCode, reason: String = "") -> EventLoopFuture<Void>? {
        guard let context, !isClosing else { return nil }
        isClosing = true
        var data = ByteBuffer(integer: code.rawValue)
        data.writeString(reason)
        let goodbye = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(goodbye)).whenComplete { _ in
            // A socket that is closed while the peer still sends is reset, and the peer loses what we said last: its
            // error and this goodbye. So the peer may finish; what it sends is thrown away.
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
        }
        // From here on the peer is nobody, even while its socket takes its time to close.
        router.connectionClosed(self)
        return channel.closeFuture
    }

    private func flushIfNeeded() {
        guard mustFlush, let context else { return }
        mustFlush = false
        context.flush()
        let unread = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        guard let unread, unread > Self.mostUnread, !isClosing else { return }
        logger.warning("cut off a peer that left \(unread) bytes unread")
        isClosing = true
        // A goodbye would wait behind what the peer does not read.
        context.close(promise: nil)
    }

    // MARK: What is not decided yet

    /// A message of this peer is on its way to the journal.
    func hold(bytes: Int) {
        acceptedMessages += 1
        unsettledBytes += Self.weight(ofMessage: bytes)
    }

    /// The next message is written down, or its sender knows that it is not.
    func settle(bytes: Int) {
        settledMessages += 1
        unsettledBytes -= Self.weight(ofMessage: bytes)
        while let first = waiting.first, first.messages <= settledMessages {
            waiting.removeFirst()
            first.action(self)
        }
        if readIsHeld, unsettledBytes < Self.mostUnsettled {
            readIsHeld = false
            context?.read()
        }
    }

    /// Does it when all that the peer sent before is decided, so that an answer proves it.
    func whenSettled(_ action: @escaping (Connection) -> Void) {
        if settledMessages == acceptedMessages {
            action(self)
        } else {
            waiting.append((acceptedMessages, action))
        }
    }
}
