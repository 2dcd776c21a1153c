/// The newest of what waits for a session, oldest first, and how much that is in all.
package struct UnseenMail: Sendable {
    package let messages: [ServerFrame.ArchivedMessage]
    package let total: Int

    /// Looks, and changes nothing.
    ///
    /// - Parameter name: what the session would be called if it was never here: it gets what waits for that name.
    /// - Throws: ``BusError``, ``PlatformError``.
    package init(of session: String, orOf name: SessionName?, limit: Int, _ observer: Observer) async throws {
        let own = try await Self.look(session, limit, observer)
        guard own.total == 0, let name else {
            self = own
            return
        }
        self = try await Self.look(name.rawValue, limit, observer)
    }

    private init(_ messages: [ServerFrame.ArchivedMessage], total: Int) {
        self.messages = messages
        self.total = total
    }

    private static func look(_ session: String, _ limit: Int, _ observer: Observer) async throws -> UnseenMail {
        try await observer.ask([.log(.init(unseenBy: session, limit: limit))]) { answer in
            guard case .messages(let messages, let total, _) = answer else { return nil }
            return UnseenMail(messages, total: total ?? messages.count)
        }
    }
}
