import InterSessionCore
import Synchronization
import TestSupport
import Testing

@Suite("sinks")
struct SinkTests {
    private final class Printer: Sendable {
        struct Full: Error {}
        private let printed = Mutex<[String]>([])
        private let most: Int
        var lines: [String] { printed.withLock { $0 } }

        init(most: Int = .max) {
            self.most = most
        }

        @Sendable func print(_ line: String) throws {
            try printed.withLock { printed in
                guard printed.count < most else { throw Full() }
                printed.append(line)
            }
        }
    }

    private func message(_ text: String, from name: String = "beta") -> IncomingMail {
        .message(.init(id: ServerFrame.id(1), from: "session-2", fromName: name, text: text, timestamp: ""))
    }

    @Test("a sink of lines prints all lines of a message in their order, and has it then")
    func lines() async throws {
        let printer = Printer()
        let sink = LineSink(print: printer.print) { mail in ["one of \(mail.id)", "two"] }
        #expect(sink.mostAtOnce == 1)
        #expect(try await sink.take([message("a"), .notice(.init(id: "n", timestamp: "", text: "b"))]) == .received)
        #expect(printer.lines == ["one of \(ServerFrame.id(1))", "two", "one of n", "two"])
    }

    @Test("where nothing can be printed it has nothing")
    func full() async throws {
        let printer = Printer(most: 1)
        let sink = LineSink(print: printer.print) { _ in ["one", "two"] }
        await #expect(throws: Printer.Full.self) { try await sink.take([message("a")]) }
    }

    @Test("messages become notifications, with the log of their bus and the trust that the user has set by then")
    func notifications() async throws {
        try await TemporaryDirectory.with { path in
            let directory = DataDirectory(path: path)
            let format = NotificationFormat(directory, port: 4711)
            let head = "[inter-session msg=\(ServerFrame.id(1)) from="
            #expect(format.lines(for: message("hi")) == [head + "\"beta\"] hi"])
            #expect(format.lines(for: .notice(.init(id: "n", timestamp: "", text: "x"))) == ["[inter-session] x"])
            let long = String(repeating: "x", count: 2048)
            #expect(format.lines(for: message(long)).last?.hasSuffix("at \(path)/bus.4711/messages.log") == true)
            let outside = message("hi", from: "claude-1@b")
            #expect(format.lines(for: outside) == [head + "\"claude-1@b\"] hi"])
            try Configuration(trustedAgents: [AgentName(validating: "b")]).write(to: directory)
            #expect(format.lines(for: outside) == [head + "\"claude-1@b\" trusted] hi"])
        }
    }

    @Test("what nobody wants is taken all the same")
    func ignoring() {
        #expect(IgnoringSink().take([message("a")]) == .received)
    }
}
