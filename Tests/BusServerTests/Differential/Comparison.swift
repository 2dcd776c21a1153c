import InterSessionCore
import NIOCore
import NIOWebSocket

/// What one connection was told, beside what the model says that it must be told.
final class Comparison {
    let model: ModelConnection
    let peer: RecordedPeer
    /// The newest message that was shown, by sender and addressee: theirs come in their order.
    private var newest: [[ObjectIdentifier]: Int] = [:]

    init(_ model: ModelConnection, _ peer: RecordedPeer) {
        self.model = model
        self.peer = peer
    }

    private func disagree(_ reason: String) -> LiveBus.Disagreement {
        .init(description: "\(model.id)\(model.owner?.name.map { ", now '\($0)'," } ?? "") \(reason)")
    }

    // MARK: What was said

    func check(_ frame: WebSocketFrame) throws {
        switch frame.opcode {
        case .text:
            guard let said = try ServerFrame.decode(frame.data) else { throw disagree("got an unknown frame") }
            try check(said)
        case .connectionClose:
            var data = frame.data
            let code = data.readInteger(as: UInt16.self).map(Int.init)
            let right = model.welcome == nil ? 1008 : model.closeCode
            guard code == right || model.wasDropped else {
                throw disagree("was closed with \(code ?? 0), not \(right.map { "\($0)" } ?? "at all")")
            }
            model.wasClosed = true
        default: break
        }
    }

    private func check(_ said: ServerFrame) throws {
        switch said {
        case .welcome(let welcome):
            guard welcome.assignedName == model.welcome, welcome.sessionID == model.id else {
                throw disagree("was welcomed as '\(welcome.assignedName)', not \(model.welcome ?? "at all")")
            }
            model.wasWelcomed = true
        case .waiting(let count):
            guard let right = model.waiting, right.contains(count) else {
                throw disagree("was told that \(count) messages wait, not \(model.waiting.map { "\($0)" } ?? "any")")
            }
            model.wasToldWaiting = true
        case .message(let message): try show(message)
        case .notice(let notice): throw disagree("got the notice '\(notice.text)'")
        case .peerJoined(let id, let name): model.heard.append("joined \(id) \(name)")
        case .peerLeft(let id): model.heard.append("left \(id)")
        case .renamed(let id?, let name, _): model.heard.append("renamed \(id) \(name)")
        case .renamed(nil, let name, let ref): try answer(ref, "renamed \(name)")
        case .sent(let sent): try answer(sent)
        case .error(let failure):
            if model.welcome == nil, failure.code == .nameTaken { return }
            try answer(failure.ref, "error \(failure.code)")
        case .disconnected(let ref): try answer(ref, "disconnected")
        case .listing(let sessions, _, let ref): try answer(ref, sessions)
        case .pong, .messages: throw disagree("got an answer to nothing: \(said)")
        }
    }

    private func show(_ message: ServerFrame.Message) throws {
        let letters = model.owner?.letters ?? []
        guard let letter = letters.first(where: { "message \($0.message.number)" == message.text }) else {
            throw disagree("was shown '\(message.text)', which is not for it")
        }
        let original = letter.message
        guard !model.shown.contains(where: { $0 === letter }) else {
            throw disagree("was shown '\(message.text)' twice on one connection")
        }
        // What was written to it before it was dropped may be looked at after its heir has seen it.
        guard !letter.isSeen || model.wasDropped else {
            throw disagree("was shown '\(message.text)' again, which it had seen")
        }
        guard original.id == nil || original.id == message.id, message.from == original.from,
            message.fromName == original.fromName, message.to == original.to,
            message.toSessionID == original.toSessionID
        else { throw disagree("was shown '\(message.text)' in another form than it was sent: \(message)") }
        let pair = [ObjectIdentifier(original.sender), ObjectIdentifier(letter.addressee)]
        guard letter.hasEverBeenOld || newest[pair] ?? 0 < original.number else {
            throw disagree("was shown '\(message.text)' after message \(newest[pair] ?? 0)")
        }
        newest[pair] = max(newest[pair] ?? 0, original.number)
        original.id = message.id
        original.isAccepted = true
        letter.waitsForSure = true
        letter.shownTo.insert(model.id)
        model.shown.append(letter)
        // Who does not acknowledge has seen what was written to its socket.
        if !model.acknowledges { letter.isSeen = true }
    }

    // MARK: Answers

    private func take(_ ref: String?) throws -> ModelConnection.Answer {
        guard let ref, let answer = model.answers.removeValue(forKey: ref) else {
            throw disagree("got an answer to '\(ref ?? "")', which expects none")
        }
        return answer
    }

    private func answer(_ ref: String?, _ said: String) throws {
        let right = try take(ref)
        switch right {
        case .renamed(let name) where said == "renamed \(name)": break
        case .error(let code) where said == "error \(code)": break
        case .disconnected where said == "disconnected": break
        case .sentBefore(_, let error?) where said == "error \(error)": break
        default: throw disagree("got '\(said)', not \(right)")
        }
    }

    private func answer(_ sent: ServerFrame.Sent) throws {
        let right = try take(sent.ref)
        switch right {
        case .sent(let message, let to, let recipients, let states):
            guard sent.to == to, sent.recipients == recipients, states.contains(sent.state) else {
                throw disagree("got \(sent), not \(right)")
            }
            try accept(message, sent)
        case .sentBefore(let message, _):
            try accept(message, sent)
        default: throw disagree("got \(sent), not \(right)")
        }
    }

    private func accept(_ message: ModelMessage, _ sent: ServerFrame.Sent) throws {
        guard message.id == nil || message.id == sent.messageID else {
            throw disagree("sent message \(message.number) a second time, and it was accepted again: \(sent)")
        }
        message.id = sent.messageID
        message.isAccepted = true
    }

    private func answer(_ ref: String?, _ sessions: [ServerFrame.SessionSummary]) throws {
        switch try take(ref) {
        case .list(let right):
            let said = sessions.map { "\($0.name) \($0.sessionID)" }
            guard said == right else { throw disagree("was told that \(said) are here, not \(right)") }
        case .listAll(let right): try Self.check(sessions, against: right)
        case let right: throw disagree("got a list, not \(right)")
        }
    }

    static func check(
        _ sessions: [ServerFrame.SessionSummary],
        against right: [String: ModelConnection.Listed]
    ) throws {
        for session in sessions {
            guard let known = right[session.sessionID], known.name == session.name, let details = session.details,
                known.isOnline == details.isOnline, known.waiting.contains(details.waiting)
            else {
                let should = right[session.sessionID].map { "\($0)" } ?? "nobody"
                let details = session.details.map { "\($0.isOnline ? "here" : "away"), \($0.waiting) waiting" } ?? ""
                throw LiveBus.Disagreement(
                    description: "the list has \(session.sessionID) as '\(session.name)', \(details), not \(should)"
                )
            }
        }
        let missing = Set(right.keys).subtracting(sessions.map(\.sessionID))
        guard missing.isEmpty, sessions.count == right.count else {
            throw LiveBus.Disagreement(description: "the list lacks \(missing.sorted())")
        }
    }

    // MARK: What was not said

    /// Must be called when everything that was asked for is done.
    func checkThatAllWasSaid() throws {
        if model.wasDropped { return }
        guard model.welcome != nil else {
            guard model.wasClosed else { throw disagree("was not refused") }
            model.wasDropped = true
            return
        }
        guard model.wasWelcomed else { throw disagree("was not welcomed") }
        guard model.heard == model.news else { throw disagree("heard \(model.heard), not \(model.news)") }
        guard model.wasClosed == (model.closeCode != nil) else { throw disagree("was not closed") }
        // Who was replaced may not hear what it has asked.
        if model.closeCode == 4000 { return }
        if let (ref, answer) = model.answers.first { throw disagree("got no answer to '\(ref)', which is \(answer)") }
        guard model.isOpen, let session = model.session else { return }
        guard model.wasToldWaiting || !model.acknowledges else { throw disagree("was not told what waits") }
        for letter in session.letters where letter.mustCome && !model.shown.contains(where: { $0 === letter }) {
            throw disagree("was not shown message \(letter.message.number), which waits for it")
        }
    }
}
