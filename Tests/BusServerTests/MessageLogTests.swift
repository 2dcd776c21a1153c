import InterSessionCore
import NIOCore
import Platform
import TestSupport
import Testing

@testable import BusServer

@Suite("messages.log")
struct MessageLogTests {
    private func record(_ id: String, _ text: String = "x") -> (frame: ByteBuffer, recipients: Int) {
        let message = ServerFrame.Message(
            id: id,
            from: "id-alpha",
            fromName: "alpha",
            text: text,
            timestamp: "2026-01-02T03:04:05.678Z"
        )
        return (ServerFrame.message(message).encode(), 1)
    }

    private func lines(_ path: String) throws -> [Substring] {
        String(decoding: try File.read(path), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test("a record is one compact line that grep finds by its id")
    func compact() async throws {
        try await TemporaryDirectory.with { path in
            var log = try MessageLog(path: "\(path)/messages.log")
            try log.append([record("aaaaaaaaaa", "two\nlines"), record("aaaaaaaaab")])
            let lines = try lines("\(path)/messages.log")
            #expect(lines.count == 3 && lines[2].isEmpty)
            #expect(lines[0].contains(#""msg_id":"aaaaaaaaaa""#) && lines[0].contains(#""text":"two\nlines""#))
            #expect(File.mode("\(path)/messages.log") == 0o600)
        }
    }

    @Test("the log is rotated at its size, and five old ones are kept")
    func rotation() async throws {
        try await TemporaryDirectory.with { path in
            let file = "\(path)/messages.log"
            var log = try MessageLog(path: file, rotationSize: 1)
            for number in 0..<8 {
                try log.rotateIfFull()
                try log.append([record("aaaaaaaaa\(number)")])
            }
            try await eventually("the oldest to be removed") { Directory.entries(path).count == 6 ? () : nil }
            #expect(try lines(file)[0].contains("aaaaaaaaa7"))
            #expect(try lines("\(file).1")[0].contains("aaaaaaaaa6"))
            #expect(try lines("\(file).5")[0].contains("aaaaaaaaa2"))
        }
    }

    @Test("what was not accepted is taken back whole")
    func cut() async throws {
        try await TemporaryDirectory.with { path in
            let file = "\(path)/messages.log"
            var log = try MessageLog(path: file)
            try log.append([record("aaaaaaaaaa")])
            let end = log.size
            try log.append([record("aaaaaaaaab")])
            try log.cut(to: end)
            try log.append([record("aaaaaaaaac")])
            let lines = try lines(file)
            #expect(lines.count == 3 && lines[0].contains("aaaaaaaaaa") && lines[1].contains("aaaaaaaaac"))
        }
    }

    @Test("a line that a crash cut short is closed before the next is written")
    func unfinishedLine() async throws {
        try await TemporaryDirectory.with { path in
            let file = "\(path)/messages.log"
            try File.replace(file, with: #"{"msg_id":"aaaa"#.utf8)
            var log = try MessageLog(path: file)
            try log.append([record("aaaaaaaaab")])
            #expect(try lines(file)[1].hasPrefix(#"{"msg_id":"aaaaaaaaab""#))
        }
    }

    @Test("ids go on rising after a restart, even behind a long last message or a rotation")
    func lastID() async throws {
        try await TemporaryDirectory.with { path in
            let file = "\(path)/messages.log"
            #expect(MessageLog.lastID(in: file) == nil)
            var log = try MessageLog(path: file)
            try log.append([record("aaaaaaaaaa"), record("aaaaaaaaab", String(repeating: "y", count: 300_000))])
            #expect(MessageLog.lastID(in: file)?.description == "aaaaaaaaab")
            try File.rename(file, to: "\(file).1")
            #expect(MessageLog.lastID(in: file)?.description == "aaaaaaaaab")
        }
    }

    @Test("what is stored and not logged, because the server died in between, is logged at the next start")
    func missingRecords() async throws {
        try await TemporaryDirectory.with { path in
            var store = try MailStore(in: path, .init())
            let now = Timestamp.now()
            let mail = (0..<4).map { number in
                let id = MessageID(rowID: MessageID(at: now).rowID + Int64(number))
                var message = ServerFrame.Message(
                    id: id.description,
                    from: "id-alpha",
                    fromName: "alpha",
                    text: "\(number)",
                    timestamp: id.time.iso8601
                )
                message.inReplyTo = "aaaaaaaaaa"
                message.isAutomatic = true
                return MailBatch.Mail(id: id, content: .message(message), depth: 1, mailboxes: [1, 2], key: nil)
            }
            _ = try store.commit(MailBatch(mail: mail))
            store.close()
            let whole = try lines("\(path)/messages.log")
            try File.replace("\(path)/messages.log", with: (whole[0] + "\n" + whole[1].dropLast(20)).utf8)
            try MailStore(in: path, .init()).close()
            // The beginning that a crash has left stays, on a line of its own.
            #expect(try lines("\(path)/messages.log") == [whole[0], whole[1].dropLast(20)] + whole[1...])
            // What somebody has removed does not come back.
            try File.replace("\(path)/messages.log", with: "".utf8)
            try MailStore(in: path, .init()).close()
            #expect(try File.read("\(path)/messages.log").isEmpty)
        }
    }
}
