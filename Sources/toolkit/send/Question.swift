import ArgumentParser
import InterSessionCore
import Platform
import Synchronization
import ToolSupport

/// A message whose answer is waited for.
final class Question: Sendable {
    enum Failure: Error, Equatable {
        case unanswered(by: String, id: String, seconds: Int)
        /// The message was accepted, then the bus went away.
        case lost(id: String)
    }

    private let frame: ClientFrame
    private let receiver: String
    private let features: Features
    private let seconds: Int
    private let asJSON: Bool
    private let sent = Mutex<ServerFrame.Sent?>(nil)

    init(_ message: ClientFrame.Outgoing, to receiver: String, _ features: Features, seconds: Int, asJSON: Bool) {
        frame = .send(to: receiver, message)
        self.receiver = receiver
        self.features = features.union(.acks)
        self.seconds = seconds
        self.asJSON = asJSON
    }

    /// Sends it, and prints the answer.
    ///
    /// - Throws: ``Failure``, `BusError`.
    func ask(_ session: ControlSession) async throws {
        do {
            _ = try await session.ask(
                [frame],
                features: features,
                within: .seconds(seconds),
                // What was printed here is not to come to the session a second time; what could not be is.
                farewell: { answer in
                    try self.print(answer)
                    return [.ack([answer.id])]
                },
                judge
            )
        } catch let error as BusError {
            guard let sent = sent.withLock({ $0 }) else { throw Send.Failure(error) ?? error }
            switch error {
            case .noAnswer: throw Failure.unanswered(by: sent.to ?? receiver, id: sent.messageID, seconds: seconds)
            case .closed: throw Failure.lost(id: sent.messageID)
            default: throw error
            }
        }
    }

    private func judge(_ frame: ServerFrame) throws -> ServerFrame.Message? {
        switch frame {
        case .message(let answer): return answer
        case .sent(let sent):
            self.sent.withLock { $0 = sent }
            // Whoever waits should know that it may take long.
            if sent.state == .queued {
                StandardStreams.printError("note: waiting for \(receiver); \(SentState(sent))")
            }
        case .welcome, .error, .peerJoined, .peerLeft, .renamed, .listing, .notice, .waiting, .messages, .pong,
            .disconnected:
            break
        }
        return nil
    }

    private func print(_ answer: ServerFrame.Message) throws {
        guard asJSON else { return try StandardStreams.print(String(answer.text.withoutFinalLineBreak)) }
        let json = JSONWriter.object { json in
            if let sent = sent.withLock({ $0 }) { sent.writeFields(to: &json) }
            json.object("answer") { answer.writeFields(to: &$0) }
        }
        try StandardStreams.print(String(buffer: json))
    }
}

extension Question.Failure: ToolError {
    var description: String {
        switch self {
        case .unanswered(let receiver, let id, let seconds):
            "no answer from \(receiver) within \(seconds) s (msg=\(id)); a later one arrives as a message"
        case .lost(let id):
            "the server went away while waiting; the message was accepted (msg=\(id)), do not send it again; "
                + "the answer arrives as a message"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .unanswered: .unanswered
        case .lost: .unreachable
        }
    }
}
