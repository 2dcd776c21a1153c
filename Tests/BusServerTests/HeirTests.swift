import InterSessionCore
import NIOCore
import TestSupport
import Testing

@testable import BusServer

/// Mail that is on its way into a mailbox while its owner's name goes to another session.
@Suite("heirs")
struct HeirTests {
    @Test(
        "mail that is accepted and not yet written goes to the session that takes the name",
        arguments: [1, 20, 200_000]
    )
    func renamedMeanwhile(bytes: Int) async throws {
        try await MemoryBus.with(.unlimited) { bus in
            try await bus.join("delta").leave()
            let alpha = try await bus.join("alpha", features: "receipts hold")
            let beta = try await bus.join("beta", features: "acks")
            let texts = (0..<20).map { "\($0)-" + String(repeating: "x", count: bytes) }
            for (number, text) in texts.enumerated() {
                try await alpha.send(#"{"op":"send","to":"delta","text":"\#(text)"}"#)
                // More is under way than one batch takes.
                if number == 9 { try await beta.send(#"{"op":"rename","name":"delta"}"#) }
            }
            for _ in texts { try await alpha.find("sent") }
            var arrived: [String] = []
            for _ in texts {
                let message = try await beta.find("msg")
                arrived.append(try message.requiredString("text"))
                try await beta.send(#"{"op":"ack","msg_id":"\#(try message.requiredString("msg_id"))"}"#)
            }
            #expect(arrived == texts)
            try await beta.leave()
            let again = try await bus.join("delta", features: "acks")
            #expect(try await again.find("waiting").integer("count") == 0)
        }
    }

    @Test("what the old owner has seen of a broadcast is not seen by its heir")
    func acknowledgedByTheOld() async throws {
        try await MemoryBus.with(.unlimited) { bus in
            let alpha = try await bus.join("alpha", features: "receipts")
            let delta = try await bus.join("delta", features: "acks")
            let beta = try await bus.join("beta", features: "acks")
            try await alpha.send(#"{"op":"broadcast","text":"to all"}"#)
            let id = try await delta.find("msg").requiredString("msg_id")
            try await beta.find("msg")
            try await delta.send(#"{"op":"ack","msg_id":"\#(id)"}"#)
            try await delta.leave()
            try await beta.send(#"{"op":"rename","name":"delta"}"#)
            try await beta.find("renamed")
            try await beta.leave()
            #expect(try await bus.join("delta", features: "acks").texts(1) == ["to all"])
        }
    }

    @Test("a broadcast to the old owner and its heir is one message, which nobody has seen before somebody has")
    func unseenByBoth() async throws {
        try await MemoryBus.with(.unlimited) { bus in
            let alpha = try await bus.join("alpha", features: "receipts history")
            let delta = try await bus.join("delta", features: "acks")
            let beta = try await bus.join("beta", features: "acks")
            try await alpha.send(#"{"op":"broadcast","text":"to all"}"#)
            let id = try await alpha.find("sent").requiredString("msg_id")
            try await delta.find("msg")
            try await beta.find("msg")
            try await delta.leave()
            try await beta.send(#"{"op":"rename","name":"delta"}"#)
            try await beta.find("renamed")
            try await alpha.send(#"{"op":"show","msg_id":"\#(id)"}"#)
            let mail = try #require(try await alpha.find("messages").objects("messages")?.first)
            let deliveries = try mail.objects("deliveries") ?? []
            #expect(deliveries.count == 1)
            #expect(try deliveries.first?.string("session_id") == "id-beta")
            #expect(try deliveries.first?.string("state") == "delivered")
        }
    }

    @Test("what expired by a wrong calendar follows the name, too, and waits for the heir when that is set right")
    func expiredMail() async throws {
        try await TemporaryDirectory.with { path in
            var store = try MailStore(in: path, .init())
            let now = Timestamp.now()
            let ids = (0..<2).map { MessageID(rowID: MessageID(at: now - .seconds(86_400)).rowID + $0) }
            let mail = ids.map { id in
                let notice = ServerFrame.Notice(id: id.description, timestamp: id.time.iso8601, text: "x")
                // The second is for both.
                return MailBatch.Mail(
                    id: id,
                    content: .notice(notice),
                    depth: 0,
                    mailboxes: id == ids[0] ? [1] : [1, 2],
                    key: nil
                )
            }
            _ = try store.commit(MailBatch(mail: mail))
            #expect(try store.expire(at: now + .seconds(15 * 86_400)).expired == 3)
            _ = try store.commit(MailBatch(merges: [.init(old: 1, new: 2)]))
            #expect(try store.expire(at: now).revived == [2])
            #expect(try store.waiting() == [2: 2])
        }
    }
}
