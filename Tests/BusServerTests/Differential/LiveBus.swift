import InterSessionCore
import NIOCore
import NIOWebSocket
import Platform
import TestSupport

@testable import BusServer

/// A bus of a sequence: the server's own parts, beside the model of what they must do.
final class LiveBus {
    /// Something that the server did and the model does not allow.
    struct Disagreement: Error, CustomStringConvertible {
        let description: String
    }

    let model = ModelBus()
    let clock: TestClock
    private let place: String
    private var generation = 0
    private var memory: MemoryBus
    private var worker: Task<Void, Never>
    private var observer: RecordedPeer
    private var connections: [Comparison] = []
    private var lastReference = 0
    /// So many operations were not awaited.
    private var underWay = 0
    private var isQuiet: Bool { underWay == 0 }
    /// Somebody came, or took a name, and it may not be written down.
    private var namesAreUnderWay = false

    /// - Parameters:
    ///   - template: a database that is ready, since making one takes longer than a sequence.
    init(in place: String, template: String, clock: TestClock) async throws {
        self.place = place
        self.clock = clock
        try Directory.ensurePrivate(place)
        try Directory.ensurePrivate("\(place)/0")
        for name in ["mail.sqlite", "token"] {
            try File.copy("\(template)/\(name)", to: "\(place)/0/\(name)", mode: 0o600)
        }
        (memory, worker, observer) = try await Self.start("\(place)/0", clock)
        model.look(at: clock.now, passed: clock.elapsed)
    }

    private static func start(
        _ path: String,
        _ clock: TestClock
    ) async throws -> (MemoryBus, Task<Void, Never>, RecordedPeer) {
        let memory = try await MemoryBus.start(path, .unlimited, clock: clock)
        let storage = memory.bus.storageWorker
        let worker = Task { await storage.run() }
        let observer = try await RecordedPeer(to: memory)
        await observer.say(#"{"op":"hello","role":"observer","features":["sessions"]}"#)
        return (memory, worker, observer)
    }

    // MARK: What is done to it

    func perform(_ operation: Operation, isAwaited: Bool) async throws {
        lastReference += 1
        let wasQuiet = isQuiet
        underWay += 1
        let ref = "r\(lastReference)"
        let now = clock.now
        switch operation {
        case .join(let hello): try await join(hello, at: now)
        case .leave(let id, let departure):
            guard let connection = connection(of: id) else { return }
            model.leave(connection.model, departure, ref: ref, at: now)
            switch departure {
            case .bye: await connection.peer.say(#"{"op":"bye"}"#)
            case .disconnect: await connection.peer.say(#"{"op":"disconnect","ref":"\#(ref)"}"#)
            case .drop: await connection.peer.drop()
            }
            // It leaves when what it has sent is decided.
            if case .drop = departure {} else { try await compare() }
        case .rename(let id, let name):
            guard let connection = connection(of: id) else { return }
            namesAreUnderWay = true
            model.rename(connection.model, to: name, ref: ref)
            await connection.peer.say(#"{"op":"rename","name":"\#(name)","ref":"\#(ref)"}"#)
        case .send(let id, let target, let key):
            guard let connection = connection(of: id),
                let (text, target) = model.send(
                    connection.model,
                    to: target,
                    key: key,
                    ref: ref,
                    at: now,
                    isAlone: wasQuiet && isAwaited
                )
            else { return }
            let key = key.map { #","key":"key \#($0)""# } ?? ""
            await connection.peer.say(
                #"{"op":"send","to":"\#(target)","text":"\#(text)","ref":"\#(ref)"\#(key)}"#
            )
        case .broadcast(let id):
            guard let connection = connection(of: id) else { return }
            let text = model.broadcast(connection.model, ref: ref, at: now, isAlone: wasQuiet && isAwaited)
            await connection.peer.say(#"{"op":"broadcast","text":"\#(text)","ref":"\#(ref)"}"#)
        case .acknowledge(let id, let choice): try await acknowledge(id, choice)
        case .list(let id):
            guard let connection = connection(of: id) else { return }
            connection.model.answers[ref] = .list(model.list())
            await connection.peer.say(#"{"op":"list","ref":"\#(ref)"}"#)
        case .listAll(let id):
            guard let connection = connection(of: id) else { return }
            try await compare()
            underWay += 1
            connection.model.answers[ref] = .listAll(model.listAll())
            await connection.peer.say(#"{"op":"list","all":true,"ref":"\#(ref)"}"#)
            try await compare()
        case .step, .pass, .pause: break
        case .restart: try await restart()
        case .kill: try await kill()
        }
        if isAwaited { try await compare() }
    }

    private func connection(of id: String) -> Comparison? {
        guard let connection = model.connection(of: id) else { return nil }
        return connections.last { $0.model === connection }
    }

    private func join(_ hello: Operation.Hello, at now: Timestamp) async throws {
        // What it has shown must be known before it can be named.
        if hello.namesPrinted { try await compare() }
        underWay += 1
        namesAreUnderWay = true
        let peer = try await RecordedPeer(to: memory)
        let (connection, printed) = model.join(hello, at: now)
        connections.append(Comparison(connection, peer))
        await peer.say(hello.frame(printed: printed))
    }

    private func acknowledge(_ id: String, _ choice: Operation.Choice) async throws {
        guard let connection = connection(of: id), connection.model.acknowledges else { return }
        if underWay > 1 { try await takeFrames() }
        let shown = connection.model.shown.filter { !$0.isSeen }
        let chosen =
            switch choice {
            case .all: shown
            case .oldest: Array(shown.prefix(1))
            case .newest: Array(shown.suffix(1))
            case .nothingKnown: [ModelDelivery]()
            }
        var ids = chosen.compactMap(\.message.id)
        if case .nothingKnown = choice { ids = ["aaaaaaaaaa", "no id"] }
        for delivery in chosen { delivery.isSeen = true }
        await connection.peer.say(
            #"{"op":"ack","msg_ids":[\#(ids.map { "\"\($0)\"" }.joined(separator: ","))]}"#
        )
    }

    /// Lets the timers run that are due in that time.
    func advance(by time: TimeAmount) async throws {
        await memory.loop.advanceTime(by: time)
        underWay += 2
        if time >= .minutes(30) { try await lookedAtTheCalendar() } else { try await compare() }
    }

    private func lookedAtTheCalendar() async throws {
        underWay += 2
        try await settle()
        model.look(at: clock.now, passed: clock.elapsed)
        try await compareLists()
    }

    // MARK: The end of the server

    private func restart() async throws {
        try await compare()
        for connection in connections where connection.model.isOpen { await connection.peer.drop() }
        try await settle()
        model.serverEnds(isKilled: false, at: clock.now)
        await stop()
        try await startAgain("\(place)/\(generation)")
    }

    private func kill() async throws {
        // Whether a name was written down before the server died is nobody's promise; what was sent is.
        if namesAreUnderWay { try await compare() }
        generation += 1
        let path = "\(place)/\(generation)"
        try check(try await memory.copyAsKilled(to: path, taking: connections.map(\.peer.recorder)))
        for connection in connections {
            for case .sent(let message, _, _, _) in connection.model.answers.values where message.id == nil {
                message.isAccepted = false
            }
        }
        model.serverEnds(isKilled: true, at: clock.now)
        await stop()
        try await startAgain(path)
    }

    private func startAgain(_ path: String) async throws {
        connections = []
        (memory, worker, observer) = try await Self.start(path, clock)
        try await lookedAtTheCalendar()
    }

    func stop() async {
        memory.bus.stopAccepting()
        await worker.value
        for peer in connections.map(\.peer) + [observer] { await peer.drop() }
        await memory.loop.shutdownGracefully()
    }

    // MARK: Comparing

    /// Looks whether everybody was told all that is to be told, and nothing else.
    func compare() async throws {
        guard !isQuiet else { return }
        try await settle()
        try compareWhatWasSaid()
    }

    private func compareWhatWasSaid() throws {
        for connection in connections { try connection.checkThatAllWasSaid() }
        connections.removeAll { !$0.model.isOpen }
        model.everythingHasArrived()
        underWay = 0
        namesAreUnderWay = false
    }

    private func settle() async throws {
        let recorders = connections.map(\.peer.recorder)
        // One message needs one turn, one name two at most: a merge, and the page that is read after it.
        let turns = underWay > 1 ? 4 : namesAreUnderWay ? 2 : 1
        try check(try await memory.settle(turns: turns, taking: recorders))
    }

    /// Looks at what was said until now, whatever else is under way.
    private func takeFrames() async throws {
        let recorders = connections.map(\.peer.recorder)
        try check(try await memory.loop.executeInContext { recorders.map { $0.value.take() } })
    }

    private func check(_ frames: [[WebSocketFrame]]) throws {
        for (connection, frames) in zip(connections, frames) {
            for frame in frames { try connection.check(frame) }
        }
    }

    /// Compares who is known, and what waits for each, and forgets whom the server has forgotten.
    private func compareLists() async throws {
        await observer.say(#"{"op":"list","all":true}"#)
        let recorders = connections.map(\.peer.recorder) + [observer.recorder]
        var frames = try await memory.settle(turns: 2, taking: recorders)
        let list = frames.removeLast()
        try check(frames)
        model.everythingIsStored()
        guard let data = list.last?.data, case .listing(let sessions, _, _)? = try ServerFrame.decode(data) else {
            throw Disagreement(description: "list --all was not answered with a list: \(list)")
        }
        model.forgetAll(but: Set(sessions.map(\.sessionID)))
        try Comparison.check(sessions, against: model.listAll())
        try compareWhatWasSaid()
    }

    /// Everybody comes, is shown all that waits, and says so; then nothing waits any more.
    func finish() async throws {
        try await compare()
        for session in model.sessions where session.connection == nil {
            let hello = Operation.Hello(
                id: session.id,
                wish: .none,
                acknowledges: true,
                holds: true,
                namesPrinted: false
            )
            try await join(hello, at: clock.now)
        }
        try await compare()
        for session in model.sessions { try await acknowledge(session.id, .all) }
        try await compareLists()
        for session in model.sessions where session.deliveries.contains(where: { $0.mustCome }) {
            throw Disagreement(description: "\(session.address) never got all of its mail")
        }
        await stop()
        try checkLog()
    }

    /// Every message is in messages.log once.
    private func checkLog() throws {
        let path = "\(memory.directory.path)/messages.log"
        let log = File.exists(path) ? try File.read(path) : []
        let ids = try log.split(separator: UInt8(ascii: "\n")).map { line in
            try JSONObject(ByteBuffer(bytes: line)).requiredString("msg_id")
        }
        guard Set(ids).count == ids.count else {
            throw Disagreement(description: "a message is in the log twice: \(ids)")
        }
        for message in model.accepted {
            guard let id = message.id, ids.contains(id) else {
                throw Disagreement(description: "message \(message.number) is not in messages.log")
            }
        }
    }
}
