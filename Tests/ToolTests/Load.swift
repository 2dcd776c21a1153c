import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// A message of a load, wherever it is looked at.
struct LoadMessage: Hashable, Sendable {
    /// Of the bus that it was sent on.
    var mark = 0
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
    private let mark: Int
    private let clients: Mutex<[RunningTool]>

    /// - Parameters:
    ///   - outside: what its senders call it, where they are on another bus.
    ///   - mark: of its bus, which all that it gets must have.
    init(_ name: String, key: Int, _ bus: TestBus, outside: String? = nil, mark: Int = 0) async throws {
        self.mark = mark
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
            guard let match = line.wholeMatch(of: /\[inter-session msg=\S+ from="(.+)"\] (\d+)@(\d+)/),
                let number = Int(match.2), let mark = Int(match.3)
            else { return nil }
            return LoadMessage(mark: mark, sender: String(match.1), receiver: name, number: number)
        }
    }

    /// Waits for all of these that are for this receiver, and holds them against what was printed: each once, and in the
    /// order of its sender.
    func expectAll(of sent: [LoadMessage]) async throws {
        let expected = Set(sent.filter { $0.receiver == name && $0.mark == mark })
        _ = try await eventually("all messages of \(name)", within: .seconds(240)) {
            expected.subtracting(self.printed).isEmpty ? () : nil
        }
        let printed = self.printed
        #expect(printed.allSatisfy { $0.mark == mark }, "a message of another bus was shown here")
        #expect(printed.count == expected.count, "a message was printed twice, or never sent")
        for (sender, messages) in Dictionary(grouping: printed, by: \.sender) {
            let numbers = messages.map(\.number)
            #expect(numbers == numbers.sorted(), "\(sender) -> \(name) is out of order")
        }
    }
}

/// A session that sends, and connects again as often as it must.
struct LoadSender: Sendable {
    let name: String
    private let endpoint: BusEndpoint
    /// What its receivers call it.
    private let shownName: String
    private let mark: Int
    /// How long all of a load may take.
    private static let patience: Duration = .seconds(300)

    /// - Parameters:
    ///   - outside: what its receivers call it, where they are on another bus.
    ///   - mark: of the bus, which stands behind the number in each text.
    init(_ name: String, _ bus: TestBus, outside: String? = nil, mark: Int = 0) throws {
        self.name = name
        self.mark = mark
        shownName = outside ?? name
        endpoint = BusEndpoint(
            directory: DataDirectory(path: bus.data),
            settings: try BusSettings(port: bus.port, environment: { _ in nil })
        )
    }

    /// Sends the numbers from 1 on, each to one of `receivers`. What is not answered is sent again, under its key.
    func send(_ count: Int, to receivers: [String], _ accepted: LoadRecord) async throws {
        // Whoever is killed, a server is there again in a moment; a sender starts none.
        let link = SessionLink(
            BusDialer { [endpoint] conversation in
                let socket = try await eventually("a server", within: Self.patience) { try endpoint.connectIfUp() }
                return try await BusConnection.withConnection(on: socket, conversation)
            }
        )
        try await withDeadline(Self.patience, else: Impatience(what: "the messages of \(name) to be accepted")) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { _ = try await link.run(self, IgnoringSink()) }
                tasks.addTask {
                    for number in 1...count {
                        let receiver = receivers[number % receivers.count]
                        try await send(number, to: receiver, link)
                        accepted.add(LoadMessage(mark: mark, sender: shownName, receiver: receiver, number: number))
                    }
                }
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        }
    }

    /// Sends until it is accepted.
    private func send(_ number: Int, to receiver: String, _ link: SessionLink) async throws {
        var message = ClientFrame.Outgoing("\(number)@\(mark)")
        message.key = "\(number)"
        while true {
            do {
                _ = try await link.ask(.send(to: receiver, message))
                return
            } catch is BusError {
                try Task.checkCancellation()
            }
        }
    }
}

extension LoadSender: LinkPeer {
    func hello() -> ClientFrame.Hello? {
        ClientFrame.Hello(
            role: .agent(.init(sessionID: "id-\(name)", name: name)),
            nonce: "nonce-\(name)",
            features: [.receipts, .hold, .keys]
        )
    }
}

extension Sequence {
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
