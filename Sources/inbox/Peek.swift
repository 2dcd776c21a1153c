import InterSessionCore

/// Shows the newest of what waits for a session, and changes nothing.
struct Peek {
    let session: String
    let name: SessionName?
    let asJSON: Bool

    func run(_ observer: Observer) async throws {
        var found = try await unseen(by: session, observer)
        // A session that was never here has what waits for the name that it would get.
        if found.total == 0, let name { found = try await unseen(by: name.rawValue, observer) }
        if found.total > found.messages.count, !asJSON {
            try StandardStreams.print("the newest \(found.messages.count) of \(found.total)")
        }
        for entry in found.messages {
            let lines = NotificationLine.lines(for: entry.message, log: "messages.log")
            for line in asJSON ? [entry.json] : lines { try StandardStreams.print(line) }
        }
    }

    private func unseen(
        by session: String,
        _ observer: Observer
    ) async throws -> (messages: [ServerFrame.ArchivedMessage], total: Int) {
        let query = ClientFrame.LogQuery(unseenBy: session, limit: WireLimits.mostLogEntries)
        return try await observer.ask([.log(query)]) { answer in
            guard case .messages(let messages, let total, _) = answer else { return nil }
            return (messages, total ?? messages.count)
        }
    }
}
