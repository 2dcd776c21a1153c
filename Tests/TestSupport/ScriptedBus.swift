package import InterSessionCore
import NIOCore
import Synchronization

/// The bus as one peer sees it, in memory: a test says what comes on each connection, and reads what the peer has written.
package final class ScriptedBus: Sendable {
    /// One connection of the peer.
    package final class Connection: Sendable {
        private let source: BusConnection.Inbound.TestSource
        private let requests = Mutex<[ClientRequest]>([])
        private let answers = Mutex(0)

        fileprivate init(_ source: BusConnection.Inbound.TestSource) {
            self.source = source
        }

        /// What the peer has written so far.
        package var written: [ClientRequest] { requests.withLock { $0 } }
        /// The ids that it has acknowledged so far.
        package var acknowledged: [String] {
            written.flatMap { request in if case .ack(let ids) = request.frame { ids } else { [String]() } }
        }

        package func send(_ frames: ServerFrame...) {
            for frame in frames { source.yield(frame) }
        }

        /// Ends the connection.
        ///
        /// - Parameter code: nil for a server that is gone without a word.
        package func close(_ code: UInt16? = nil) {
            source.finish(throwing: code.map { BusError.closed(code: $0, reason: "") })
        }

        fileprivate var isAnswered: Bool { answers.withLock { $0 > 0 } }

        fileprivate func take(_ request: ClientRequest, _ react: (ClientRequest, Connection) -> Void) {
            requests.withLock { $0.append(request) }
            react(request, self)
            answers.withLock { $0 += 1 }
        }
    }

    private struct State {
        var connections: [Connection] = []
        var isUp = true
    }

    private let state = Mutex(State())
    private let react: @Sendable (ClientRequest, Connection) -> Void

    /// - Parameter react: is told each request; by default a hello gets its welcome.
    package init(react: @escaping @Sendable (ClientRequest, Connection) -> Void = ScriptedBus.welcome) {
        self.react = react
    }

    @Sendable package static func welcome(_ request: ClientRequest, on connection: Connection) {
        guard case .hello(let hello) = request.frame else { return }
        guard case .agent(let session) = hello.role else {
            return connection.send(.welcome(.init(sessionID: "gateway-1", assignedName: "")))
        }
        let name = session.suggestedName ?? session.name
        connection.send(.welcome(.init(sessionID: session.sessionID ?? "session-1", assignedName: name)))
    }

    /// Whether somebody answers who dials.
    package var isUp: Bool {
        get { state.withLock { $0.isUp } }
        set { state.withLock { $0.isUp = newValue } }
    }

    /// All connections, the first one first.
    package var connections: [Connection] { state.withLock { $0.connections } }

    /// Waits for the connection with this number, which begins at 1, and for the answer to its hello: what a test sends
    /// comes behind that.
    package func connection(_ number: Int) async throws -> Connection {
        try await eventually("connection \(number)") {
            connections.dropFirst(number - 1).first { $0.isAnswered }
        }
    }

    package var dialer: BusDialer {
        BusDialer { [self] conversation in
            guard isUp else { throw BusError.noServer(port: 1) }
            let (inbound, source) = BusConnection.Inbound.makeTestingStream()
            let (outbound, requests) = BusConnection.Outbound.makeTestingWriter()
            let connection = Connection(source)
            state.withLock { $0.connections.append(connection) }
            return try await withThrowingTaskGroup(of: ConversationOutcome?.self) { tasks in
                tasks.addTask {
                    for await request in requests {
                        connection.take(request, self.react)
                    }
                    return nil
                }
                tasks.addTask { try await conversation(inbound, outbound) }
                defer { tasks.cancelAll() }
                while let outcome = try await tasks.next() {
                    if let outcome { return outcome }
                }
                throw CancellationError()
            }
        }
    }
}
