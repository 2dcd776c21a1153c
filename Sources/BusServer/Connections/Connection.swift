import InterSessionCore
import Logging
import NIOCore
import NIOWebSocket

/// One peer: frames in, decoded and routed in their order; frames out, as fast as the peer reads.
///
/// It lives on the server's one event loop from the first byte of the upgrade request to the end of the socket. What is
/// to be done when is decided by its parts, which are values: ``ConnectionPhase``, ``SenderBackpressure``,
/// ``OutputFlushing``, ``Liveness``. It does it.
final class Connection: ChannelDuplexHandler, PeerOutlet {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// A peer that leaves this much unread is cut off rather than kept in memory. Mail alone never comes to it: what
    /// is more than the connection takes stays in its mailbox.
    static let mostUnread = 32 * 1024 * 1024
    /// How long a peer may take to hear a goodbye out.
    static let lingering: TimeAmount = .seconds(10)

    /// What the peer and we both know.
    var features: Features = []
    /// Answers that were given to this connection instead of its agent, and are not acknowledged.
    var withheld: Set<MessageID> = []
    /// The kernel vouches for the peer being our own user: it came through the Unix socket.
    let isLocalUser: Bool
    /// The process at the other end, in this process' own numbers, as the kernel says; 0 for one in a namespace that
    /// cannot be seen from here, nil where the kernel does not say.
    private let process: Int32?

    private let router: Router
    private let logger: Logger
    private var onKnown: (() -> Void)?
    private var context: ChannelHandlerContext?
    private var helloDeadline: Scheduled<Void>?

    private var phase = ConnectionPhase.open(.awaitingHello)
    private var liveness = Liveness.heard
    private var flushing = OutputFlushing.idle
    private var unsettled = SenderBackpressure<(any PeerOutlet) -> Void>()

    /// - Parameter onKnown: called once, when the peer is known, or gone.
    init(
        router: Router,
        isLocalUser: Bool,
        process: Int32? = nil,
        logger: Logger,
        onKnown: @escaping () -> Void = {}
    ) {
        self.router = router
        self.isLocalUser = isLocalUser
        self.process = process
        self.logger = logger
        self.onKnown = onKnown
    }

    /// Who the peer is, and stays when it is gone.
    var peer: Peer {
        get { phase.peer }
        set {
            phase.admit(newValue)
            becameKnown()
        }
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

    private func becameKnown() {
        onKnown?()
        onKnown = nil
    }

    // MARK: Frames in

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func read(context: ChannelHandlerContext) {
        if unsettled.mayRead() { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase.isListening else { return }
        flushing.beganReading()
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: receive(frame.data)
        case .ping: write(.init(fin: true, opcode: .pong, data: frame.data), nil, context)
        case .connectionClose: close(.normal)
        case .pong: break
        default: close(.unsupportedData, reason: "frames must be text")
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        liveness = .heard
        if flushing.endedReading() { flush() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !phase.isClosing { router.connectionDrained(self) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        _ = phase.close()
        endHelloDeadline()
        router.connectionClosed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let goodbye = Goodbye(becauseOf: error) {
            close(goodbye)
        } else {
            // The peer is gone without goodbye.
            context.close(promise: nil)
        }
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
        if case .awaitingHello = peer { router.refusedHello(error) }
        switch phase.refuse(error, isLocalUser: isLocalUser) {
        case .answer: write(error.frame(ref: ref))
        case .end: end(with: error, ref: ref)
        case .endLater:
            guard let context else { return }
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .init(WireLimits.wrongTokenDelay)) {
                bound.value.end(with: error, ref: ref)
            }
        }
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
        guard let context, !phase.isClosing else { return }
        var promise: EventLoopPromise<Void>?
        if let written {
            promise = context.eventLoop.makePromise()
            promise?.futureResult.assumeIsolated().whenSuccess(written)
        }
        write(WebSocketFrame(fin: true, opcode: .text, data: text), promise, context)
    }

    /// Whether the peer was heard of since it was last pinged.
    var answersPings: Bool { liveness.answersPings }

    /// Asks the peer for a sign of life.
    func ping() {
        guard let context, !phase.isClosing else { return }
        liveness = .asked
        write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()), nil, context)
    }

    private func write(_ frame: WebSocketFrame, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(frame), promise: promise)
        guard flushing.wrote() else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            if bound.value.flushing.turnEnded() { bound.value.flush() }
        }
    }

    private func flush() {
        guard let context else { return }
        context.flush()
        let unread = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        guard let unread, unread > Self.mostUnread, phase.close() else { return }
        logger.warning("cut off a peer that left \(unread) bytes unread")
        // A goodbye would wait behind what the peer does not read.
        context.close(promise: nil)
    }

    /// Says goodbye and closes.
    ///
    /// - Returns: when the socket is closed; nil when it was closing already.
    @discardableResult
    func close(_ code: CloseCode, reason: String = "") -> EventLoopFuture<Void>? {
        close(Goodbye(code: code, reason: reason))
    }

    @discardableResult
    private func close(_ goodbye: Goodbye) -> EventLoopFuture<Void>? {
        guard let context, phase.close() else { return nil }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(goodbye.frame)).whenComplete { _ in
            // A socket that is closed while the peer still sends is reset, and the peer loses what we said last: its
            // error and this goodbye. So the peer may finish; what it sends is thrown away.
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
        }
        // From here on the peer is nobody, even while its socket takes its time to close.
        router.connectionClosed(self)
        return channel.closeFuture
    }

    // MARK: What is not decided yet

    /// A message of this peer is on its way to the journal.
    func hold(bytes: Int) {
        unsettled.hold(bytes: bytes)
    }

    /// The next message is written down, or its sender knows that it is not.
    func settle(bytes: Int) {
        let release = unsettled.settle(bytes: bytes)
        for action in release.due { action(self) }
        if release.resumesReading { context?.read() }
    }

    /// Does it when all that the peer sent before is decided, so that an answer proves it.
    func whenSettled(_ action: @escaping (any PeerOutlet) -> Void) {
        unsettled.wait(action)?(self)
    }
}
