import InterSessionCore
import Platform
import Synchronization
import TestSupport
import Testing

@Suite("a session on the bus")
struct SessionPeerTests {
    /// What a session has reported.
    private final class Report: Sendable {
        private let events = Mutex<[SessionEvent]>([])
        var all: [SessionEvent] { events.withLock { $0 } }
        func add(_ event: SessionEvent) { events.withLock { $0.append(event) } }
    }

    private struct Fixture: Sendable {
        let directory: DataDirectory
        let key = SessionKey(7)
        let report = Report()
        let clock = ManualClock()

        var state: SessionState? { SessionState.read(key, in: directory) }

        /// Runs a session called alpha on that bus.
        func run(_ bus: ScriptedBus, watchesOthers: Bool = false) async throws -> SessionLink.End {
            try directory.prepare()
            let place = try #require(try SessionPlace(of: key, in: directory))
            let received = try ReceivedMessages(of: key, on: 1, in: directory)
            let session = SessionPeer(
                try SessionIdentity(name: "alpha"),
                place,
                on: try BusSettings(port: 1, environment: { _ in nil }),
                received: received,
                watchesOthers: watchesOthers
            ) { report.add($0) }
            let link = SessionLink(bus.dialer, received: received, clock: clock)
            let end = try await link.run(session, IgnoringSink())
            await session.leave()
            return end
        }
    }

    private func with(_ body: @Sendable @escaping (Fixture) async throws -> Void) async throws {
        try await TemporaryDirectory.with { path in
            try await body(Fixture(directory: DataDirectory(path: "\(path)/data")))
        }
    }

    /// The sessions that have said hello, one for each connection.
    private func introductions(_ bus: ScriptedBus) -> [ClientFrame.SessionIntroduction] {
        bus.connections.compactMap { connection in
            guard case .hello(let hello) = connection.written.first?.frame, case .agent(let session) = hello.role else {
                return nil
            }
            return session
        }
    }

    @Test("where its name is taken it asks for the first proposal, three times at most")
    func nameTaken() async throws {
        try await with { fixture in
            let bus = ScriptedBus { request, connection in
                guard case .hello(let hello) = request.frame, case .agent(let session) = hello.role else { return }
                var failure = ServerFrame.Failure(code: .nameTaken, message: "in use")
                failure.candidates = ["\(session.name)-2", "\(session.name)-3"]
                connection.send(.error(failure))
            }
            guard case .refused = try await fixture.run(bus) else {
                Issue.record("it goes on")
                return
            }
            let names = ["alpha", "alpha-2", "alpha-2-2", "alpha-2-2-2"]
            #expect(introductions(bus).map(\.name) == names)
            let alpha = try SessionName(validating: "alpha")
            let uses = try names.dropFirst().map {
                SessionEvent.nameTaken(alpha, using: try SessionName(validating: $0))
            }
            #expect(fixture.report.all == uses + [.nameStillTaken(alpha)])
            #expect(fixture.clock.slept.isEmpty, "it asks again at once")
        }
    }

    @Test("where another has its id it makes one up, once")
    func foreignSessionID() async throws {
        try await with { fixture in
            let bus = ScriptedBus { request, connection in
                guard case .hello = request.frame else { return }
                connection.send(.error(.init(code: .unauthorized, message: "it is another's")))
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { _ = try await fixture.run(bus) }
                try await eventually("the link to wait") { fixture.clock.sleepers == 1 ? () : nil }
                let ids = introductions(bus).map(\.sessionID)
                #expect(ids.count == 2 && Set(ids).count == 2)
                #expect(fixture.report.all == [.unreachable(reason: "unauthorized: it is another's")])
                tasks.cancelAll()
            }
        }
    }

    @Test("it publishes where it is, says once that the bus is gone, and once that it is there again")
    func lifetime() async throws {
        try await with { fixture in
            let bus = ScriptedBus()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    let end = try await fixture.run(bus, watchesOthers: true)
                    #expect(end == .gone)
                }
                let connection = try await bus.connection(1)
                try await eventually("its list") {
                    connection.written.contains { $0.frame == .list(all: false) } ? () : nil
                }
                let id = try #require(introductions(bus).first?.sessionID)
                connection.send(.waiting(count: 2), .renamed(sessionID: id, name: "gamma", ref: nil))
                connection.send(.peerJoined(sessionID: "session-9", name: "beta"))
                try await eventually("its name") { fixture.state?.name == "gamma" ? () : nil }
                #expect(fixture.state?.port == 1 && fixture.state?.processID == SystemProcess.current)
                bus.isUp = false
                connection.close()
                for attempt in 1...5 {
                    try await eventually("attempt \(attempt)") { fixture.clock.slept.count == attempt ? () : nil }
                    if attempt == 5 { bus.isUp = true }
                    try await eventually("the link to wait") { fixture.clock.sleepers == 1 ? () : nil }
                    fixture.clock.advance(by: .seconds(5))
                }
                let next = try await bus.connection(2)
                #expect(introductions(bus).last?.name == "gamma")
                try await eventually("word of it") { fixture.report.all.count == 6 ? () : nil }
                next.close(4001)
                try await tasks.waitForAll()
                #expect(
                    fixture.report.all == [
                        .connected(name: "alpha", sessionID: id), .arrivedWhileAway(count: 2), .renamed(name: "gamma"),
                        .others(.peerJoined(sessionID: "session-9", name: "beta")),
                        .unreachable(reason: "\(BusError.noServer(port: 1))"), .connectedAgain(name: "gamma"),
                    ]
                )
                #expect(fixture.state == nil)
            }
        }
    }

    @Test("it leaves when another has its place in a data directory that was made anew")
    func placeTaken() async throws {
        try await with { fixture in
            let bus = ScriptedBus()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    let end = try await fixture.run(bus)
                    #expect(end == .left)
                }
                let connection = try await bus.connection(1)
                try await eventually("its state") { fixture.state == nil ? nil : () }
                Directory.removeAll(fixture.directory.path)
                try fixture.directory.prepare()
                let place = try SessionPlace(of: fixture.key, in: fixture.directory)
                #expect(place != nil)
                connection.close()
                try await eventually("the link to wait") { fixture.clock.sleepers == 1 ? () : nil }
                fixture.clock.advance(by: .seconds(1))
                try await tasks.waitForAll()
                #expect(fixture.report.all.last == .placeTaken)
                withExtendedLifetime(place) {}
            }
        }
    }
}
