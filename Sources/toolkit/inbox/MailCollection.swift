import InterSessionCore
import Platform

/// Joins the bus as the session, prints what waits for it, and leaves.
struct MailCollection: Sendable {
    let endpoint: BusEndpoint
    let identity: SessionIdentity
    let printed: PrintedMessages
    let asJSON: Bool

    func run() async throws {
        let socket = try await ServerElection(endpoint: endpoint).connect()
        try await BusConnection.withConnection(on: socket) { inbound, outbound in
            let features: Features = [.acks, .replies, .sessions, .notices]
            try await outbound.write(ClientRequest(.hello(identity.hello(printed: printed.newest, features: features))))
            var printed = printed
            var left: Int?
            do {
                for try await frame in inbound {
                    switch frame {
                    case .waiting(let count): left = count
                    case .message(let message):
                        try show(message.id, &printed, entry(message))
                        try await outbound.write(ClientRequest(.ack([message.id])))
                        left? -= 1
                    case .notice(let notice):
                        try show(notice.id, &printed, NotificationLine.notice(notice.text))
                        try await outbound.write(ClientRequest(.ack([notice.id])))
                        left? -= 1
                    case .error(let failure): throw BusError.refused(failure)
                    default: break
                    }
                    // The server closes when it has heard the acknowledgements.
                    if left == 0 { try await outbound.write(ClientRequest(.bye)) }
                }
            } catch BusError.closed(_, _) where left ?? 1 <= 0 {
                // As agreed.
            }
        }
    }

    private func show(_ id: String, _ printed: inout PrintedMessages, _ text: String) throws {
        guard let messageID = MessageID(id), !printed.contains(messageID) else { return }
        try StandardStreams.print(text)
        try printed.insert(messageID)
    }

    private func entry(_ message: ServerFrame.Message) -> String {
        guard asJSON else {
            let isTrusted = (try? Configuration.read(from: endpoint.directory))?.trusts(message) ?? false
            let log = "\(endpoint.directory.abbreviated)/messages.log"
            return NotificationLine.lines(for: message, isTrusted: isTrusted, log: log).joined(separator: "\n")
        }
        return String(buffer: JSONWriter.object { message.writeFields(to: &$0) })
    }
}
