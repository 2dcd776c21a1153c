import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// Four sessions write to four while servers and receivers are killed: what was accepted is printed once, in order.
///
/// At full size: `INTER_SESSION_DURABILITY_MESSAGES=20000 swift test --filter DurabilityTests`
@Suite("durability")
struct DurabilityTests {
    private static let messages =
        ProcessInfo.processInfo.environment["INTER_SESSION_DURABILITY_MESSAGES"].flatMap { Int($0) } ?? 1200
    private static let senders = ["sender-1", "sender-2", "sender-3", "sender-4"]
    private static let receivers = ["receiver-1", "receiver-2", "receiver-3", "receiver-4"]
    private static let kills = 10

    @Test("nothing accepted is lost, doubled or out of order, whoever is killed")
    func nothingIsLost() async throws {
        try await TestBus.with { bus in
            let receivers = try await Self.receivers.enumerated().asyncMap { index, name in
                try await Receiver(name, key: index + 1, bus)
            }
            let accepted = Accepted()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for name in Self.senders {
                    tasks.addTask {
                        let sender = try Sender(name, bus)
                        try await sender.send(Self.messages / Self.senders.count, to: Self.receivers, accepted)
                    }
                }
                for kill in 1...Self.kills {
                    let due = kill * Self.messages / (Self.kills + 2)
                    try await eventually("message \(due)", within: .seconds(120)) {
                        accepted.all.count >= due ? () : nil
                    }
                    for server in try bus.serverProcesses() { Foundation.kill(server, SIGKILL) }
                    let receiver = receivers[kill % receivers.count]
                    try await receiver.killAndRestart(kill % 2 == 0 ? SIGKILL : SIGTERM)
                }
                try await tasks.waitForAll()
            }

            let all = accepted.all
            #expect(all.count > Self.messages / 2, "most of them should get through")
            for receiver in receivers {
                let expected = all.filter { $0.receiver == receiver.name }
                _ = try await eventually("all messages of \(receiver.name)", within: .seconds(120)) {
                    Set(expected).subtracting(receiver.printed).isEmpty ? () : nil
                }
                let printed = receiver.printed
                #expect(Set(printed).count == printed.count, "a message was printed twice")
                for sender in Self.senders {
                    let numbers = printed.filter { $0.sender == sender }.map(\.number)
                    #expect(numbers == numbers.sorted(), "\(sender) -> \(receiver.name) is out of order")
                }
            }
            print("\(all.count) of \(Self.messages) messages were accepted, and each was printed once")
        }
    }
}

private struct Delivery: Hashable, Sendable {
    let sender: String
    let receiver: String
    let number: Int
}

/// The messages whose `sent` has arrived.
private final class Accepted: Sendable {
    private let deliveries = Mutex<[Delivery]>([])

    var all: [Delivery] { deliveries.withLock { $0 } }

    func add(_ delivery: Delivery) {
        deliveries.withLock { $0.append(delivery) }
    }
}

/// A session's monitor, through as many processes as that takes.
private final class Receiver: Sendable {
    let name: String
    private let key: Int
    private let bus: TestBus
    private let clients: Mutex<[RunningTool]>

    init(_ name: String, key: Int, _ bus: TestBus) async throws {
        self.name = name
        self.key = key
        self.bus = bus
        clients = Mutex([try await bus.connect(name, key: key)])
    }

    func killAndRestart(_ signal: Int32) async throws {
        let client = clients.withLock { $0.last }
        client?.signal(signal)
        try await client?.exitCode()
        let next = try bus.start("client", ["--name", name], key: key)
        clients.withLock { $0.append(next) }
    }

    /// All that was printed, in the order in which it was.
    var printed: [Delivery] {
        clients.withLock { $0 }.flatMap(\.lines).compactMap { line in
            guard let match = line.wholeMatch(of: /\[inter-session msg=\S+ from="(.+)"\] (\d+)/) else { return nil }
            return Int(match.2).map { Delivery(sender: String(match.1), receiver: name, number: $0) }
        }
    }
}

/// A session that sends, and connects again as often as it must.
private struct Sender {
    let name: String
    private let endpoint: BusEndpoint
    private let hello: ClientFrame

    init(_ name: String, _ bus: TestBus) throws {
        self.name = name
        endpoint = BusEndpoint(
            directory: DataDirectory(path: bus.data),
            settings: try BusSettings(port: bus.port, environment: { _ in nil })
        )
        hello = .hello(
            .init(
                role: .agent(.init(sessionID: "id-\(name)", name: name)),
                nonce: "nonce-\(name)",
                features: [.receipts, .hold]
            )
        )
    }

    /// Sends the numbers from 1 on, each to one of `receivers`. What is not answered is not sent again: nobody knows
    /// what has become of it.
    func send(_ count: Int, to receivers: [String], _ accepted: Accepted) async throws {
        let numbers = Numbers(upTo: count)
        while numbers.isLeft {
            guard let socket = try endpoint.connectIfUp() else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            do {
                try await BusConnection.withConnection(on: socket) { inbound, outbound in
                    var answers = inbound.makeAsyncIterator()
                    try await outbound.write(ClientRequest(hello))
                    while let number = numbers.next() {
                        let receiver = receivers[number % receivers.count]
                        let message = ClientFrame.send(to: receiver, .init("\(number)"))
                        try await outbound.write(ClientRequest(message, ref: "\(number)"))
                        guard try await Self.isAccepted("\(number)", &answers) else { continue }
                        accepted.add(Delivery(sender: name, receiver: receiver, number: number))
                    }
                }
            } catch {
                // The server is gone.
            }
        }
    }

    private static func isAccepted(
        _ ref: String,
        _ answers: inout BusConnection.Inbound.AsyncIterator
    ) async throws -> Bool {
        while let answer = try await answers.next() {
            switch answer {
            case .sent(let sent) where sent.ref == ref: return true
            case .error(let failure) where failure.ref == ref: return false
            default: break
            }
        }
        throw BusError.closed(code: nil, reason: "")
    }
}

private final class Numbers: Sendable {
    private let last: Int
    private let taken = Mutex(0)

    init(upTo last: Int) {
        self.last = last
    }

    var isLeft: Bool { taken.withLock { $0 } < last }

    func next() -> Int? {
        taken.withLock { taken in
            guard taken < last else { return nil }
            taken += 1
            return taken
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
