import InterSessionCore
import Synchronization
import TestSupport

/// A peer of which a test sees what the link has asked it.
final class RecordingPeer: LinkPeer {
    private struct State {
        var frames: [ServerFrame] = []
        var losses: [(error: any Error, attempts: Int)] = []
        var welcomes = 0
    }

    private let features: Features
    private let state = Mutex(State())

    init(_ features: Features = .acks) {
        self.features = features
    }

    var frames: [ServerFrame] { state.withLock { $0.frames } }
    var attempts: [Int] { state.withLock { $0.losses.map(\.attempts) } }
    var errors: [any Error] { state.withLock { $0.losses.map(\.error) } }
    var welcomes: Int { state.withLock { $0.welcomes } }

    func hello() -> ClientFrame.Hello? {
        .init(role: .agent(.init(sessionID: "session-1", name: "alpha")), nonce: "nonce", features: features)
    }

    func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) { state.withLock { $0.welcomes += 1 } }
    func received(_ frame: ServerFrame) { state.withLock { $0.frames.append(frame) } }
    func lost(_ error: any Error, attempts: Int) { state.withLock { $0.losses.append((error, attempts)) } }
}

/// A sink of which a test sees what it was handed, and which takes as long as the test wants.
final class RecordingSink: MessageSink {
    struct Broken: Error {}

    private struct State {
        var taken: [[String]] = []
        var failures: Int
    }

    let mostAtOnce: Int
    private let handover: Handover
    private let state: Mutex<State>
    private let isHeld: Mutex<Bool>

    /// - Parameters:
    ///   - isHeld: it does not return until it is released.
    ///   - failures: how often it throws before it takes something.
    init(mostAtOnce: Int = 1, isHeld: Bool = false, failures: Int = 0, _ handover: Handover = .received) {
        self.mostAtOnce = mostAtOnce
        self.handover = handover
        state = Mutex(State(failures: failures))
        self.isHeld = Mutex(isHeld)
    }

    /// The ids that it was handed, those together that came together.
    var taken: [[String]] { state.withLock { $0.taken } }

    func release() { isHeld.withLock { $0 = false } }

    func take(_ mail: [IncomingMail]) async throws -> Handover {
        let fails = state.withLock { state in
            state.taken.append(mail.map(\.id))
            state.failures -= 1
            return state.failures >= 0
        }
        if fails { throw Broken() }
        try await eventually("the sink to be released") { isHeld.withLock { $0 } ? nil : () }
        return handover
    }
}

extension ServerFrame {
    /// A message whose id ends in that number.
    static func mail(_ number: Int, _ text: String = "text") -> ServerFrame {
        let message = ServerFrame.Message(
            id: id(number),
            from: "session-2",
            fromName: "beta",
            text: text,
            timestamp: "2026-11-21T00:00:00.000Z"
        )
        return .message(message)
    }

    static func id(_ number: Int) -> String { "aaaaaaaaa\(number)" }
}
