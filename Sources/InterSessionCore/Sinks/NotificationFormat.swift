/// Mail as lines for an agent to read, as its user has set it.
package struct NotificationFormat: Sendable {
    private let directory: DataDirectory
    private let log: String

    /// - Parameter port: of the bus that keeps the whole text of what does not fit.
    package init(_ directory: DataDirectory, port: Int) {
        self.directory = directory
        log = "\(directory.abbreviated)/bus.\(port)/messages.log"
    }

    package func lines(for mail: IncomingMail) -> [String] {
        switch mail {
        case .message(let message): NotificationLine.lines(for: message, isTrusted: isTrusted(message), log: log)
        case .notice(let notice): [NotificationLine.notice(notice.text)]
        }
    }

    /// Whether it comes from outside, and from an agent that the user trusts. Read anew each time: what the user has
    /// changed holds at once.
    private func isTrusted(_ message: ServerFrame.Message) -> Bool {
        guard let sender = OutsideAddress(message.fromName) else { return false }
        return (try? Configuration.read(from: directory))?.trustedAgents.contains(sender.agent) ?? false
    }
}
