import InterSessionCore
import Logging
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import BusServer

/// From the journal to a peer, without connections and without rules.
@Suite("delivery")
struct DeliveryTests {
    /// The parts below the router.
    private final class Parts {
        let storage: Storage
        let journal: Journal
        let delivery: Delivery
        let registry: Registry
        let outlet = RecordedOutlet(features: .acks)
        let receiver: ConnectedPeer
        private(set) var outcomes = 0

        init(on loop: any EventLoop) {
            let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
            storage = Storage(eventLoop: loop)
            let index = SearchIndexer(storage: storage, logger: logger)
            journal = Journal(storage: storage, index: index, logger: logger)
            delivery = Delivery(storage: storage, journal: journal, logger: logger)
            registry = Registry(records: [], lastMailbox: 0, keeper: delivery, clock: .system)
            let introduction = Introduction(
                role: .session(id: .random(), name: nil, workingDirectory: "", nonce: nil),
                label: .none,
                processID: nil
            )
            receiver = registry.join(introduction, on: outlet)
            delivery.start(receiver, printed: [])
        }

        var texts: [String] {
            outlet.frames.compactMap { if case .message(let message) = $0 { message.text } else { nil } }
        }

        func accept(_ text: String, _ number: Int64) {
            let id = MessageID(rowID: number)
            let message = ServerFrame.Message(
                id: id.description,
                from: "id-alpha",
                fromName: "alpha",
                text: text,
                timestamp: id.time.iso8601
            )
            let mail = AcceptedMail(id: id, content: .message(message), recipients: [receiver.known])
            journal.write(mail) { [self] outcome in
                outcomes += 1
                delivery.deliver(mail, outcome)
            }
        }
    }

    /// Runs `body` with the parts on a loop of their own, and with their storage at work.
    private func withParts(
        _ body: (NIOAsyncTestingEventLoop, NIOLoopBound<Parts>) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { path in
            let loop = NIOAsyncTestingEventLoop()
            let store = try MailStore(in: path, .init())
            let (parts, worker) = try await loop.executeInContext {
                let parts = Parts(on: loop)
                let worker = parts.storage.worker(with: store) { _ in }
                return (NIOLoopBound(parts, eventLoop: loop), worker)
            }
            async let storing: Void = worker.run()
            try await body(loop, parts)
            try await loop.executeInContext { parts.value.storage.close() }
            await storing
        }
    }

    @Test("a peer whose socket takes no more is behind, and reads its mailbox when it does, in the order of acceptance")
    func behind() async throws {
        try await withParts { loop, parts in
            func texts(_ count: Int) async throws -> [String] {
                try await eventually("\(count) messages") {
                    await loop.run()
                    let texts = try await loop.executeInContext { parts.value.texts }
                    return texts.count == count ? texts : nil
                }
            }
            try await eventually("the mailbox was read") {
                await loop.run()
                return try await loop.executeInContext { parts.value.receiver.window.isBehind ? nil : () }
            }
            try await loop.executeInContext { parts.value.accept("one", 1) }
            #expect(try await texts(1) == ["one"])

            try await loop.executeInContext {
                parts.value.outlet.isWritable = false
                parts.value.accept("two", 2)
            }
            try await eventually("it is behind") {
                await loop.run()
                return try await loop.executeInContext { parts.value.receiver.window.isBehind ? () : nil }
            }
            try await loop.executeInContext {
                #expect(parts.value.texts == ["one"])
                parts.value.accept("three", 3)
                parts.value.outlet.isWritable = true
                parts.value.delivery.catchUp(parts.value.receiver)
            }
            #expect(try await texts(3) == ["one", "two", "three"])
        }
    }

    @Test("mail that the database does not take fails alone; what is accepted together with it is delivered")
    func unfitMail() async throws {
        try await withParts { loop, parts in
            func arrival(of text: String) async throws -> [String] {
                try await eventually("'\(text)'") {
                    await loop.run()
                    let texts = try await loop.executeInContext { parts.value.texts }
                    return texts.last == text ? texts : nil
                }
            }
            try await loop.executeInContext { parts.value.accept("one", 1) }
            _ = try await arrival(of: "one")
            try await loop.executeInContext {
                parts.value.accept("two", 2)
                // Its id is taken.
                parts.value.accept("unfit", 1)
                parts.value.accept("three", 3)
            }
            _ = try await eventually("the batch") {
                await loop.run()
                return try await loop.executeInContext { parts.value.outcomes == 4 ? () : nil }
            }
            try await loop.executeInContext { parts.value.accept("four", 4) }
            #expect(try await arrival(of: "four") == ["one", "two", "three", "four"])
        }
    }
}
