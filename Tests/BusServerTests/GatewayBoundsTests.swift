import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// What one gateway, or one frame of it, may not do to others.
@Suite("bounds of gateways")
struct GatewayBoundsTests {
    /// - Parameter to: names and ids, as JSON strings.
    private func deliver(_ text: String, to: String, from: String, key: String) -> String {
        #"{"op":"deliver","from":"\#(from)","to":[\#(to)],"text":"\#(text)","key":"\#(key)","ref":"\#(key)"}"#
    }

    @Test("a session that is named twice, by name and by id, gets the message once, and nothing else fails with it")
    func namedTwice() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let gateway = try await bus.gateway("a")
            let twice = #""alpha","id-alpha","alpha""#
            try await gateway.send(deliver("one", to: twice, from: "x@b", key: "b/1"))
            try await gateway.send(deliver("two", to: #""alpha""#, from: "x@c", key: "c/1"))
            for _ in 1...2 { #expect(try await gateway.find("sent").integer("recipients") == 1) }
            #expect(try await alpha.texts(2) == ["one", "two"])
        }
    }

    @Test("a gateway has 16 MiB in hand that it has not acknowledged; the rest comes when there is room")
    func bytesInHand() async throws {
        try await MemoryBus.with(.unlimited) { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: "receipts gateways")
            var states: [String?] = []
            for number in 0..<6 {
                let text = "\(number)" + String(repeating: "x", count: 7 * 1024 * 1024)
                states.append(try await alpha.message(text, to: "claude:1@b").string("state"))
            }
            #expect(states == ["delivered", "delivered", "queued", "queued", "queued", "queued"])
            func next(_ number: Int) async throws -> String {
                let job = try await gateway.find("msg")
                #expect(try job.string("text")?.prefix(1) == "\(number)")
                return try job.requiredString("msg_id")
            }
            let first = [try await next(0), try await next(1)]
            try await gateway.expectSilence()
            for id in first { try await gateway.send(#"{"op":"ack","msg_id":"\#(id)"}"#) }
            for number in 2..<6 {
                let id = try await next(number)
                try await gateway.send(#"{"op":"ack","msg_id":"\#(id)"}"#)
            }
            try await gateway.expectSilence()
        }
    }

    @Test("a message that is larger than what may be in hand goes alone")
    func alone() {
        var window = DeliveryWindow(most: 4, mostBytes: 10)
        let ids = (1...3).map { MessageID(rowID: Int64($0)) }
        #expect(window.hasRoom(for: 11))
        window.add(ids[0], bytes: 11)
        #expect(!window.hasRoom(for: 1))
        #expect(window.remove(ids[0]) && !window.remove(ids[0]))
        window.add(ids[1], bytes: 4)
        #expect(window.hasRoom(for: 6) && !window.hasRoom(for: 7))
        // A message that is handed out again counts once.
        window.add(ids[1], bytes: 4)
        #expect(window.unacknowledged.bytes == 4 && window.unacknowledged.contains(ids[1]))
        window.add(ids[2], bytes: 6)
        #expect(!window.hasRoom(for: 1) && window.unacknowledged.count == 2)
    }
}
