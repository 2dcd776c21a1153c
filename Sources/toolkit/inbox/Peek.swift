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
        let format = NotificationFormat(observer.endpoint.directory, port: observer.endpoint.settings.port)
        for entry in mail.messages {
            let lines = asJSON ? [entry.json] : format.lines(for: .message(entry.message))
            for line in lines { try StandardStreams.print(line) }
        }
    }
}
