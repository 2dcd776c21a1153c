import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// A message of a load, wherever it is looked at.
struct LoadMessage: Hashable, Sendable {
    let sender: String
    let receiver: String
    let number: Int
}

/// The messages whose `sent` has arrived.
final class LoadRecord: Sendable {
    private let messages = Mutex<[LoadMessage]>([])

    var all: [LoadMessage] { messages.withLock { $0 } }

    func add(_ message: LoadMessage) {
        messages.withLock { $0.append(message) }
    }
}

/// A session's monitor, through as many processes as that takes.
final class LoadReceiver: Sendable {
    let name: String
    private let session: String
    private let key: Int
    private let bus: TestBus
    private let clients: Mutex<[RunningTool]>

    /// - Parameter outside: what its senders call it, where they are on another bus.
    init(_ name: String, key: Int, _ bus: TestBus, outside: String? = nil) async throws {
        self.name = outside ?? name
        session = name
        self.key = key
        self.bus = bus
        clients = Mutex([try await bus.connect(name, key: key)])
    }

    func killAndRestart(_ signal: Int32) async throws {
        let client = clients.withLock { $0.last }
        client?.signal(signal)
        try await client?.exitCode()
        let next = try bus.start("client", ["--name", session], key: key)
        clients.withLock { $0.append(next) }
    }

    /// All that was printed, in the order in which it was.
    var printed: [LoadMessage] {
        clients.withLock { $0 }.flatMap(\.lines).compactMap { line in
            guard let match = line.wholeMatch(of: /\[inter-session msg=\S+ from="(.+)"\] (\d+)/) else { return nil }
            return Int(match.2).map { LoadMessage(sender: String(match.1), receiver: name, number: $0) }
        }
    }

    /// Waits for all of these that are for this receiver, and holds them against what was printed: each once, and in the
    /// order of its sender.
    func expectAll(of sent: [LoadMessage]) async throws {
        let expected = Set(sent.filter { $0.receiver == name })
        _ = try await eventually("all messages of \(name)", within: .seconds(240)) {
            expected.subtracting(self.printed).isEmpty ? () : nil
        }
        let printed = self.printed
        #expect(printed.count == expected.count, "a message was printed twice, or never sent")
        for (sender, messages) in Dictionary(grouping: printed, by: \.sender) {
            let numbers = messages.map(\.number)
            #expect(numbers == numbers.sorted(), "\(sender) -> \(name) is out of order")
        }
    }
}

/// A session that sends, and connects again as often as it must.
struct LoadSender {
    let name: String
    private let endpoint: BusEndpoint
    private let hello: ClientFrame
    /// What its receivers call it.
    private let shownName: String
    /// How long all of a load may take.
    private static let patience: Duration = .seconds(300)

    /// - Parameter outside: what its receivers call it, where they are on another bus.
    init(_ name: String, _ bus: TestBus, outside: String? = nil) throws {
        self.name = name
        shownName = outside ?? name
        endpoint = BusEndpoint(
            directory: DataDirectory(path: bus.data),
            settings: try BusSettings(port: bus.port, environment: { _ in nil })
        )
        hello = .hello(
            .init(
                role: .agent(.init(sessionID: "id-\(name)", name: name)),
                nonce: "nonce-\(name)",
                features: [.receipts, .hold, .keys]
            )
        )
    }

    /// Sends the numbers from 1 on, each to one of `receivers`. What is not answered is sent again, under its key.
    func send(_ count: Int, to receivers: [String], _ accepted: LoadRecord) async throws {
        let numbers = Numbers(upTo: count)
        let giveUp = ContinuousClock.now + Self.patience
        while numbers.isLeft {
            guard .now < giveUp else {
                throw Impatience(what: "message \(numbers.next ?? 0) of \(name) to be accepted")
            }
            let socket = try await eventually("a server") { try endpoint.connectIfUp() }
            do {
                try await BusConnection.withConnection(on: socket) { inbound, outbound in
                    var answers = inbound.makeAsyncIterator()
                    try await outbound.write(ClientRequest(hello))
                    while let number = numbers.next, .now < giveUp {
                        let receiver = receivers[number % receivers.count]
                        var message = ClientFrame.Outgoing("\(number)")
                        message.key = "\(number)"
                        try await outbound.write(ClientRequest(.send(to: receiver, message), ref: "\(number)"))
                        guard try await Self.isAccepted("\(number)", &answers) else { continue }
                        accepted.add(LoadMessage(sender: shownName, receiver: receiver, number: number))
                        numbers.take()
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

    var isLeft: Bool { next != nil }

    /// The number that comes next, until it is taken.
    var next: Int? { taken.withLock { $0 < last ? $0 + 1 : nil } }

    func take() {
        taken.withLock { $0 += 1 }
    }
}

extension Sequence {
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
