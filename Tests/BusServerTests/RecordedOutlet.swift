import InterSessionCore
import NIOCore

@testable import BusServer

/// A peer's connection without a socket, which keeps what is written to it.
final class RecordedOutlet: PeerOutlet {
    var peer = Peer.awaitingHello
    var features: Features
    var withheld: Set<MessageID> = []
    let isLocalUser = true
    var isWritable = true
    var answersPings = true
    private(set) var frames: [ServerFrame] = []
    private(set) var pings = 0
    private(set) var closedWith: CloseCode?

    init(features: Features = []) {
        self.features = features
    }

    func watchedProcess(claimed: Int?) -> Int? { claimed }

    func write(_ frame: ServerFrame) {
        frames.append(frame)
    }

    func write(encoded text: ByteBuffer, written: (() -> Void)?) {
        if let frame = try? ServerFrame.decode(text) { frames.append(frame) }
        written?()
    }

    func ping() {
        pings += 1
    }

    func close(_ code: CloseCode, reason: String) -> EventLoopFuture<Void>? {
        closedWith = code
        return nil
    }

    func hold(bytes: Int) {}
    func settle(bytes: Int) {}

    func whenSettled(_ action: @escaping (any PeerOutlet) -> Void) {
        action(self)
    }
}
