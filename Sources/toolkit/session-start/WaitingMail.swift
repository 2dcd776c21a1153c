import InterSessionCore
import Platform
import ToolSupport

/// Mail that came for this session while it was not open.
struct WaitingMail {
    /// As much of the first message as is told.
    private static let excerpt = 80
    private static let mostSenders = 3

    private let session: String?
    private let name: SessionName?
    private let directory: DataDirectory

    init(_ input: HookInput, _ directory: DataDirectory) {
        session = input.sessionID ?? Environment["CLAUDE_CODE_SESSION_ID"]
        name = SessionName(suggestedBy: input.workingDirectory ?? Environment.workingDirectory)
        self.directory = directory
    }

    /// A sentence for the agent; nil when nothing waits, or the bus does not say so in time.
    func hint(within limit: Duration) async -> String? {
        // Where no mail was ever kept there is no need for a server to say so.
        guard limit > .zero, hasMail, let session = session ?? name?.rawValue else { return nil }
        let mail = try? await withDeadline(limit, else: BusError.noAnswer) { [name] in
            try await UnseenMail(of: session, orOf: name, limit: WireLimits.logEntries, Observer(BusOptions.parse([])))
        }
        guard let mail, let first = mail.messages.first else { return nil }
        let count = mail.total == 1 ? "1 message waits" : "\(mail.total) messages wait"
        return "\(count) for this session (from \(senders(mail))), the first: \"\(excerpt(first.message.text))\"; "
            + "/inter-session connects and shows them."
    }

    /// Whether a bus has kept mail here, or 0.1.0 has.
    private var hasMail: Bool {
        Directory.entries(directory.path).contains { name in
            name == "mail.sqlite" || name.hasPrefix("bus.") && File.exists("\(directory.path)/\(name)/mail.sqlite")
        }
    }

    private func senders(_ mail: UnseenMail) -> String {
        var names: [String] = []
        for entry in mail.messages {
            let name = NotificationLine.displayName(name: entry.message.fromName, sessionID: entry.message.from)
            if !names.contains(name) { names.append(name) }
        }
        let others = names.count > Self.mostSenders ? " and others" : ""
        return names.prefix(Self.mostSenders).joined(separator: ", ") + others
    }

    /// A peer wrote it: on one line, without a quote that could end ours or a bracket that could begin a notification.
    private func excerpt(_ text: String) -> String {
        let line = SafeText.quotable(text.unicodeScalars.prefix(Self.excerpt * 4))
        return line.count > Self.excerpt ? line.prefix(Self.excerpt) + "…" : line
    }
}
