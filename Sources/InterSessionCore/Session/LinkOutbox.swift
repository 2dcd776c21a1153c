import Synchronization

/// What a peer says to the bus. Questions are said on each connection until they are answered; all else is said on the
/// connection that there is, or not at all.
///
/// What piles up while something is written is written next, at once.
final class LinkOutbox: Sendable {
    private struct Question {
        let frame: ClientFrame
        let answer: CheckedContinuation<ServerFrame, any Error>
    }

    private struct State {
        /// What is to be written; nil without a connection that has its welcome.
        var requests: [ClientRequest]?
        var acknowledged: [String] = []
        var isLeaving = false
        var isClosed = false
        var questions: [Int: Question] = [:]
        var lastReference = 0
        /// Wakes whoever writes to the connection of now.
        var filled: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Whether there is a connection that has its welcome.
    var isConnected: Bool { state.withLock { $0.requests != nil } }
    /// Whether the peer has said that it leaves.
    var isLeaving: Bool { state.withLock { $0.isLeaving } }

    func add(_ request: ClientRequest) {
        change { $0.requests?.append(request) }
    }

    func acknowledge(_ id: String) {
        change { state in
            if state.requests != nil { state.acknowledged.append(id) }
        }
    }

    /// Says good-bye behind all that is to be said; the server closes when it has heard it.
    func leave() {
        change { state in
            state.isLeaving = true
            state.requests?.append(ClientRequest(.bye))
        }
    }

    func ask(_ frame: ClientFrame) async throws -> ServerFrame {
        try await withCheckedThrowingContinuation { continuation in
            let isClosed = state.withLock { state in
                guard !state.isClosed else { return true }
                state.lastReference += 1
                state.questions[state.lastReference] = Question(frame: frame, answer: continuation)
                state.requests?.append(ClientRequest(frame, ref: "\(state.lastReference)"))
                state.filled?.yield()
                return false
            }
            if isClosed { continuation.resume(throwing: CancellationError()) }
        }
    }

    /// - Returns: false when it answers no question.
    @discardableResult
    func answer(_ reference: String?, with result: Result<ServerFrame, any Error>) -> Bool {
        guard let reference = reference.flatMap({ Int($0) }),
            let question = state.withLock({ $0.questions.removeValue(forKey: reference) })
        else { return false }
        question.answer.resume(with: result)
        return true
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            state.filled?.yield()
        }
    }

    // MARK: The connection

    /// There is a connection: what has no answer yet is asked again, in its order.
    func pickUp() {
        change { state in
            state.requests = state.questions.sorted { $0.key < $1.key }
                .map { ClientRequest($0.value.frame, ref: "\($0.key)") }
        }
    }

    /// There is none any more.
    ///
    /// - Returns: whether it had its welcome.
    func hangUp() -> Bool {
        state.withLock { state in
            defer {
                state.requests = nil
                state.acknowledged = []
                state.filled = nil
            }
            return state.requests != nil
        }
    }

    /// Writes what is to be said, until the task is cancelled or the connection takes no more: whoever reads from it hears
    /// why.
    func write(to outbound: BusConnection.Outbound) async {
        let (signals, filled) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        change { $0.filled = filled }
        for await _ in signals {
            let requests = takeRequests()
            guard !requests.isEmpty else { continue }
            do { try await outbound.write(contentsOf: requests) } catch { return }
        }
    }

    private func takeRequests() -> [ClientRequest] {
        state.withLock { state in
            let acknowledged = state.acknowledged.isEmpty ? [] : [ClientRequest(.ack(state.acknowledged))]
            defer {
                state.acknowledged = []
                if state.requests != nil { state.requests = [] }
            }
            return acknowledged + (state.requests ?? [])
        }
    }

    /// Nobody is answered any more.
    func close() {
        let questions = state.withLock { state in
            defer { state.questions = [:] }
            state.isClosed = true
            state.requests = nil
            return state.questions.values.map(\.answer)
        }
        for question in questions { question.resume(throwing: CancellationError()) }
    }
}
