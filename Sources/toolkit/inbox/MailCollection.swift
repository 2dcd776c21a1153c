import InterSessionCore
import NIOCore

/// Joins the bus as the session, prints what waits for it, and leaves.
struct MailCollection: Sendable {
    let endpoint: BusEndpoint
    let identity: SessionIdentity
    let received: ReceivedMessages
    let asJSON: Bool

    /// - Throws: `BusError` for whatever comes between: what was not printed waits as before.
    func run() async throws {
        let format = NotificationFormat(endpoint.directory, port: endpoint.settings.port)
        let sink = LineSink { [asJSON] mail in
            guard asJSON, case .message(let message) = mail else { return format.lines(for: mail) }
            return [String(buffer: JSONWriter.object { message.writeFields(to: &$0) })]
        }
        let link = SessionLink(.electing(endpoint), received: received, stay: .untilMailIsTaken)
        switch try await link.run(Collector(identity: identity, received: received), sink) {
        case .left: break
        case .replaced: throw BusError.closed(code: CloseCode.replaced.rawValue, reason: "")
        case .gone: throw BusError.closed(code: CloseCode.gone.rawValue, reason: "")
        case .refused(let failure): throw BusError.refused(failure)
        }
    }
}

/// A session that is on the bus once, or not at all.
private struct Collector: LinkPeer {
    let identity: SessionIdentity
    let received: ReceivedMessages

    func hello() -> ClientFrame.Hello? {
        identity.hello(received: received.newest, features: [.acks, .replies, .sessions, .notices])
    }

    func refused(_ failure: ServerFrame.Failure, isWelcome: Bool) -> Refusal { .end }

    func lost(_ error: any Error, attempts: Int) throws { throw error }
}
