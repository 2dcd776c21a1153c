import InterSessionCore
import Platform

/// Shows what waits for a session, and changes nothing.
struct Peek {
    let session: String
    let name: SessionName?
    let asJSON: Bool

    func run(_ observer: Observer) async throws {
        let mail = try await UnseenMail(of: session, orOf: name, limit: WireLimits.mostLogEntries, observer)
        if mail.total > mail.messages.count, !asJSON {
            try StandardStreams.print("the newest \(mail.messages.count) of \(mail.total)")
        }
        for entry in mail.messages {
            let lines = asJSON ? [entry.json] : NotificationLine.lines(for: entry.message, log: "messages.log")
            for line in lines { try StandardStreams.print(line) }
        }
    }
}
