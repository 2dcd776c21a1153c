import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// A U+0000 ends a string of C, and no text of ours: what an earlier version has stored with one is found, too.
@Suite("stored texts")
struct StoredTextTests {
    private func mail(_ number: Int64, key: String, inReplyTo: String? = nil) -> MailBatch.Mail {
        let id = MessageID(rowID: 1_000_000 + number)
        var message = ServerFrame.Message(
            id: id.description,
            from: "id-alpha",
            fromName: "alpha",
            text: "a\u{0}b",
            timestamp: id.time.iso8601
        )
        message.inReplyTo = inReplyTo
        return .init(
            id: id,
            content: .message(message),
            depth: 0,
            mailboxes: [1],
            key: MailKey(mailbox: 2, text: key)
        )
    }

    @Test("a key is the whole of it")
    func keys() async throws {
        try await TemporaryDirectory.with { path in
            var store = try MailStore(in: path, .init())
            for (number, key) in ["k", "k\u{0}two", "k\u{0}three", ""].enumerated() {
                let first = self.mail(Int64(number), key: key)
                let again = self.mail(Int64(number) + 100, key: key)
                #expect(known(try store.commit(MailBatch(mail: [first]))) == nil, "'\(key)' was taken for another")
                #expect(known(try store.commit(MailBatch(mail: [again]))) == first.id, "'\(key)' was not known")
                #expect(try store.message(first.id)?.key == key)
            }
        }
    }

    /// The message that the first of the batch repeats; nil when it is new.
    private func known(_ stored: [StoredMail]) -> MessageID? {
        if case .known(let id, _, _)? = stored.first { id } else { nil }
    }

    @Test("what a message answers is the whole of it")
    func replies() async throws {
        try await TemporaryDirectory.with { path in
            var store = try MailStore(in: path, .init())
            let mail = self.mail(1, key: "1", inReplyTo: "abc\u{0}def")
            _ = try store.commit(MailBatch(mail: [mail]))
            #expect(try store.message(mail.id)?.message.inReplyTo == "abc\u{0}def")
            let page = try store.page(of: 1, after: nil, bytes: 1000, count: 10)
            guard case .message(let message)? = page.mail.first?.content else {
                Issue.record("no message")
                return
            }
            #expect(message.inReplyTo == "abc\u{0}def" && message.text == "a\u{0}b")
        }
    }
}
