import InterSessionCore
import TestSupport
import Testing

@Suite("the link of a session")
struct SessionLinkTests {
    private static let (first, second, third) = (ServerFrame.id(1), ServerFrame.id(2), ServerFrame.id(3))

    /// Hands a running link to `body`, and ends it behind that.
    private func run(
        _ link: SessionLink,
        _ peer: RecordingPeer = RecordingPeer(),
        _ sink: some MessageSink = RecordingSink(),
        _ body: @Sendable @escaping () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { _ = try await link.run(peer, sink) }
            tasks.addTask(operation: body)
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    // MARK: Handing over

    @Test("a message is acknowledged when the sink has it, and not before; meanwhile nothing else is handed over")
    func acknowledgement() async throws {
        let bus = ScriptedBus()
        let sink = RecordingSink(isHeld: true)
        try await run(SessionLink(bus.dialer), RecordingPeer(), sink) {
            let connection = try await bus.connection(1)
            connection.send(.mail(1), .mail(2))
            try await eventually("the message to be taken") { sink.taken.isEmpty ? nil : () }
            #expect(sink.taken == [[Self.first]] && connection.acknowledged.isEmpty)
            sink.release()
            try await eventually("the acknowledgements") { connection.acknowledged.count == 2 ? () : nil }
            #expect(sink.taken == [[Self.first], [Self.second]])
            #expect(connection.acknowledged == [Self.first, Self.second])
        }
    }

    @Test("a sink that throws ends the connection, and what it was handed comes again unacknowledged")
    func brokenSink() async throws {
        let bus = ScriptedBus()
        let clock = ManualClock()
        let peer = RecordingPeer()
        let sink = RecordingSink(failures: 1)
        try await run(SessionLink(bus.dialer, clock: clock), peer, sink) {
            let connection = try await bus.connection(1)
            connection.send(.mail(1))
            try await eventually("the link to wait") { clock.sleepers == 1 ? () : nil }
            #expect(connection.acknowledged.isEmpty && peer.errors.first is RecordingSink.Broken)
            clock.advance(by: .seconds(1))
            let next = try await bus.connection(2)
            next.send(.mail(1))
            try await eventually("the acknowledgement") { next.acknowledged == [Self.first] ? () : nil }
            #expect(sink.taken == [[Self.first], [Self.first]])
        }
    }

    @Test("what the session has already is acknowledged and not handed over again, also by another process")
    func duplicate() async throws {
        try await TemporaryDirectory.with { directory in
            for round in 1...2 {
                let bus = ScriptedBus()
                let sink = RecordingSink()
                let received = try ReceivedMessages(path: "\(directory)/received")
                try await run(SessionLink(bus.dialer, received: received), RecordingPeer(), sink) {
                    let connection = try await bus.connection(1)
                    connection.send(.mail(1), .mail(1), .mail(round + 1))
                    try await eventually("the acknowledgements") { connection.acknowledged.count == 3 ? () : nil }
                    #expect(connection.acknowledged == [Self.first, Self.first, ServerFrame.id(round + 1)])
                    #expect(sink.taken == (round == 1 ? [[Self.first], [Self.second]] : [[Self.third]]))
                }
            }
        }
    }

    @Test("a sink that takes several gets those that wait one behind the other, and no more at once")
    func batches() async throws {
        let bus = ScriptedBus { _, _ in }
        let peer = RecordingPeer()
        let sink = RecordingSink(mostAtOnce: 2)
        try await run(SessionLink(bus.dialer), peer, sink) {
            let connection = try await bus.connection(1)
            let left = ServerFrame.peerLeft(sessionID: "session-9")
            connection.send(.welcome(.init(sessionID: "session-1", assignedName: "alpha")))
            connection.send(.mail(1), .mail(2), .mail(3), left, .mail(4))
            try await eventually("the acknowledgements") { connection.acknowledged.count == 4 ? () : nil }
            #expect(sink.taken.flatMap { $0 } == (1...4).map(ServerFrame.id))
            #expect(sink.taken.allSatisfy { $0.count <= 2 } && sink.taken.last == [ServerFrame.id(4)])
            #expect(peer.frames == [left])
        }
    }

    @Test("what a sink keeps pending is acknowledged when the sink says so")
    func pending() async throws {
        let bus = ScriptedBus()
        let sink = RecordingSink(.pending)
        let link = SessionLink(bus.dialer)
        try await run(link, RecordingPeer(), sink) {
            let connection = try await bus.connection(1)
            connection.send(.mail(1), .mail(2))
            try await eventually("both to be taken") { sink.taken.count == 2 ? () : nil }
            #expect(connection.acknowledged.isEmpty)
            link.acknowledge(Self.second)
            try await eventually("the acknowledgement") { connection.acknowledged.isEmpty ? nil : () }
            #expect(connection.acknowledged == [Self.second])
        }
    }

    @Test("a peer without acknowledgements sends none")
    func baseProtocol() async throws {
        let bus = ScriptedBus()
        let link = SessionLink(bus.dialer)
        let peer = RecordingPeer([])
        try await run(link, peer, RecordingSink()) {
            let connection = try await bus.connection(1)
            try await eventually("the welcome") { peer.welcomes == 1 ? () : nil }
            connection.send(.mail(1), .peerLeft(sessionID: "session-9"))
            link.tell(.ping)
            try await eventually("the ping") { connection.written.contains { $0.frame == .ping } ? () : nil }
            #expect(connection.acknowledged.isEmpty)
        }
    }

    // MARK: Connections

    @Test("it comes back after 0.25 s, doubling to 4 s, and begins again after a welcome")
    func backoff() async throws {
        let bus = ScriptedBus()
        let clock = ManualClock()
        let peer = RecordingPeer()
        bus.isUp = false
        try await run(SessionLink(bus.dialer, clock: clock), peer) {
            for attempt in 1...6 {
                try await eventually("attempt \(attempt)") {
                    clock.sleepers == 1 && peer.attempts.count == attempt ? () : nil
                }
                if attempt == 6 { bus.isUp = true }
                clock.advance(by: .seconds(5))
            }
            let connection = try await bus.connection(1)
            try await eventually("the welcome") { peer.welcomes == 1 ? () : nil }
            connection.close()
            try await eventually("the link to wait") { clock.slept.count == 7 ? () : nil }
            for (slept, seconds) in zip(clock.slept, [0.25, 0.5, 1, 2, 4, 4, 0.25]) {
                #expect((seconds * 0.8...seconds * 1.2).contains(slept / .seconds(1)))
            }
            #expect(peer.attempts == [1, 2, 3, 4, 5, 6, 1])
        }
    }

    @Test(
        "a connection that is replaced, or whose user sends it away, is the last",
        arguments: [4000, 4001] as [UInt16]
    )
    func finalEnds(code: UInt16) async throws {
        let bus = ScriptedBus()
        let sink = RecordingSink()
        async let end = SessionLink(bus.dialer).run(RecordingPeer(), sink)
        let connection = try await bus.connection(1)
        connection.send(.mail(1))
        connection.close(code)
        let reason = try await end
        #expect(reason == (code == 4000 ? .replaced : .gone))
        #expect(sink.taken == [[Self.first]], "what came before the end counts")
    }

    @Test("other ends are not", arguments: [nil, 1001, 4002, 4003] as [UInt16?])
    func passingEnds(code: UInt16?) async throws {
        let bus = ScriptedBus()
        let clock = ManualClock()
        try await run(SessionLink(bus.dialer, clock: clock)) {
            try await bus.connection(1).close(code)
            try await eventually("the link to wait") { clock.sleepers == 1 ? () : nil }
            clock.advance(by: .seconds(1))
            _ = try await bus.connection(2)
        }
    }

    @Test("one that stays until its mail is taken acknowledges all of it, then says good-bye", arguments: [0, 2])
    func untilMailIsTaken(count: Int) async throws {
        let bus = ScriptedBus { request, connection in
            ScriptedBus.welcome(request, on: connection)
            if case .hello = request.frame { connection.send(.waiting(count: count)) }
            if request.frame == .bye { connection.close(1000) }
        }
        let link = SessionLink(bus.dialer, stay: .untilMailIsTaken)
        async let end = link.run(RecordingPeer(), RecordingSink())
        let connection = try await bus.connection(1)
        for number in 0..<count { connection.send(.mail(number + 1)) }
        let reason = try await end
        #expect(reason == .left)
        #expect(connection.acknowledged == (0..<count).map { ServerFrame.id($0 + 1) })
        #expect(connection.written.last?.frame == .bye)
    }

    // MARK: Questions

    @Test("what has no answer is asked again on the next connection, in its order; what was answered is not")
    func questions() async throws {
        let bus = ScriptedBus()
        let clock = ManualClock()
        let link = SessionLink(bus.dialer, clock: clock)
        @Sendable func asked(_ number: Int) async throws -> [ClientRequest] {
            let connection = try await bus.connection(number)
            return connection.written.filter { $0.ref != nil }
        }
        @Sendable func ask(_ id: String) async throws -> Int? {
            guard case .messages(_, let total, _) = try await link.ask(.show(messageID: id)) else { return nil }
            return total
        }
        try await run(link) {
            async let one = ask("one")
            try await eventually("the first question") { try await asked(1).count == 1 ? () : nil }
            async let two = ask("two")
            try await eventually("the second question") { try await asked(1).count == 2 ? () : nil }
            async let three = ask("three")
            let questions = try await eventually("the third question") {
                let questions = try await asked(1)
                return questions.count == 3 ? questions : nil
            }
            let connection = try await bus.connection(1)
            connection.send(.messages([], total: 1, ref: questions[0].ref))
            let first = try await one
            #expect(first == 1)
            connection.close()
            try await eventually("the link to wait") { clock.sleepers == 1 ? () : nil }
            clock.advance(by: .seconds(1))
            try await eventually("the questions") { try await asked(2).count == 2 ? () : nil }
            #expect(try await asked(2) == Array(questions[1...]))
            for (index, question) in questions.enumerated() {
                try await bus.connection(2).send(.messages([], total: index + 1, ref: question.ref))
            }
            let rest = try await [two, three]
            #expect(rest == [2, 3])
        }
    }

    @Test("an error answers its question alone, and the end of the link every question")
    func refusedQuestions() async throws {
        let bus = ScriptedBus { request, connection in
            ScriptedBus.welcome(request, on: connection)
            guard case .show("bad") = request.frame else { return }
            connection.send(.error(.init(code: .unknownMessage, message: "none", ref: request.ref)))
        }
        let link = SessionLink(bus.dialer)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { _ = try? await link.run(RecordingPeer(), RecordingSink()) }
            await #expect(throws: BusError.self) { try await link.ask(.show(messageID: "bad")) }
            async let unanswered = Result.catching { try await link.ask(.show(messageID: "good")) }
            let connection = try await bus.connection(1)
            try await eventually("the question") { connection.written.count == 3 ? () : nil }
            tasks.cancelAll()
            let result = await unanswered
            #expect(throws: CancellationError.self) { try result.get() }
            await #expect(throws: CancellationError.self) { try await link.ask(.ping) }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate static func catching(_ body: () async throws -> Success) async -> Result {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
