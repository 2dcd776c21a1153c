import InterSessionCore

/// What a bus does, as docs/PROTOCOL.md tells it: one thing after the other, and nothing is ever lost on the way.
///
/// It shares no code with the server, and keeps nothing but sessions, each with a name and a mailbox.
final class ModelBus {
    private(set) var sessions: [ModelSession] = []
    private var calendar = ModelCalendar()
    private var messages: [ModelMessage] = []

    private var here: [ModelSession] { sessions.filter { $0.connection != nil } }

    func connection(of id: String) -> ModelConnection? { sessions.first { $0.id == id }?.connection }

    func named(_ name: String) -> ModelSession? { sessions.first { $0.name == name } }

    // MARK: Coming and going

    /// - Returns: the connection with what it must be told, and what the hello names as printed.
    func join(_ hello: Operation.Hello, at now: Timestamp) -> (connection: ModelConnection, printed: [String]) {
        let known = sessions.first { $0.id == hello.id }
        guard let name = name(hello.wish, of: known, hello.id) else {
            return (ModelConnection(hello, of: nil, welcome: nil, waiting: nil), [])
        }
        let session = session(hello.id, known, name.isEmpty ? nil : name, at: now)
        session.lastSeen = now
        let old = session.connection
        let oldName = old?.nameBefore
        var printed: [String] = []
        if hello.namesPrinted {
            for delivery in session.deliveries where delivery.shownTo.contains(hello.id) {
                guard let id = delivery.message.id else { continue }
                printed.append(id)
                if hello.acknowledges { delivery.isSeen = true }
            }
        }
        let connection = ModelConnection(
            hello,
            of: session,
            welcome: session.name ?? "",
            waiting: hello.acknowledges ? session.waiting : nil
        )
        old?.closeCode = 4000
        session.connection = connection
        session.expectMail()
        if oldName == nil {
            announce("joined \(session.id) \(session.name ?? "")", except: session)
        } else if oldName != session.name ?? "" {
            announce("renamed \(session.id) \(session.name ?? "")", except: session)
        }
        return (connection, printed)
    }

    /// Whoever comes under the name of one that is away is that session from now on.
    private func session(
        _ id: String,
        _ known: ModelSession?,
        _ name: String?,
        at now: Timestamp
    ) -> ModelSession {
        if let known {
            known.connection?.nameBefore = known.name ?? ""
            if let name { give(name, to: known) }
            return known
        }
        if let name, let away = named(name) {
            away.id = id
            return away
        }
        let new = ModelSession(id, at: now)
        new.name = name
        sessions.append(new)
        return new
    }

    /// - Returns: the empty name for none, nil for one that another has who is here.
    private func name(_ wish: Operation.NameWish, of known: ModelSession?, _ id: String) -> String? {
        let isFree = { (name: String) in !self.here.contains { $0.name == name && $0.id != id } }
        switch wish {
        case .none: return ""
        case .name(let name): return isFree(name) ? name : nil
        case .suggestion(let suggestion):
            if let before = known?.name, isFree(before) { return before }
            if suggestion.isEmpty { return (1...).lazy.map { "claude-\($0)" }.first(where: isFree) }
            if isFree(suggestion) { return suggestion }
            // A name that the session itself has is in use, too.
            return (2...).lazy.map { "\(suggestion)-\($0)" }.first { name in !self.here.contains { $0.name == name } }
        }
    }

    func leave(_ connection: ModelConnection, _ departure: Operation.Departure, ref: String, at now: Timestamp) {
        guard let session = connection.session else { return }
        switch departure {
        case .bye: connection.closeCode = 1000
        case .drop: connection.wasDropped = true
        case .disconnect:
            connection.answers[ref] = .disconnected
            connection.closeCode = 4001
        }
        session.connection = nil
        session.lastSeen = now
        announce("left \(session.id)", except: session)
    }

    func rename(_ connection: ModelConnection, to name: String, ref: String) {
        guard let session = connection.session else { return }
        if here.contains(where: { $0 !== session && $0.name == name }) {
            connection.answers[ref] = .error("name_taken")
            return
        }
        connection.answers[ref] = .renamed(name)
        guard session.name != name else { return }
        give(name, to: session)
        announce("renamed \(session.id) \(name)", except: session)
    }

    /// What waits for the name comes with it.
    private func give(_ name: String, to session: ModelSession) {
        if let old = named(name), old !== session {
            for delivery in old.deliveries where !delivery.isSeen {
                // A broadcast to both is one message now.
                if !session.deliveries.contains(where: { $0.message === delivery.message }) {
                    session.deliveries.append(delivery)
                }
            }
            old.heir = session
            sessions.removeAll { $0 === old }
            session.expectMail()
        }
        session.name = name
    }

    private func announce(_ news: String, except session: ModelSession) {
        for other in here where other !== session { other.connection?.news.append(news) }
    }

    // MARK: Mail

    /// - Parameter isAlone: nothing else is under way until the answer is there.
    /// - Returns: the text to send; nil where nobody can say what the answer must be.
    func send(
        _ connection: ModelConnection,
        to target: String,
        key: Int?,
        ref: String,
        at now: Timestamp,
        isAlone: Bool
    ) -> (text: String, target: String)? {
        guard let sender = connection.session else { return nil }
        if let key, let first = sender.keys[key] {
            return repeatMessage(first.message, as: first.id, sender, connection, ref)
        }
        switch resolve(target, from: sender, holds: connection.holds) {
        case .failure(let error):
            connection.answers[ref] = .error(error.code)
            return ("refused", target)
        case .success(let recipient):
            let message = newMessage(from: sender, target: target, to: recipient, at: now)
            recipient.deliveries.append(ModelDelivery(message, for: recipient))
            recipient.expectMail()
            if let key { sender.keys[key] = (message, sender.id) }
            let state: DeliveryState = recipient.connection == nil ? .queued : .delivered
            connection.answers[ref] = .sent(
                message,
                to: recipient.address,
                recipients: 1,
                states: isAlone ? [state] : [.queued, .delivered]
            )
            return (text(of: message), target)
        }
    }

    /// What is said a second time with its key is answered as the first was.
    private func repeatMessage(
        _ message: ModelMessage,
        as id: String,
        _ sender: ModelSession,
        _ connection: ModelConnection,
        _ ref: String
    ) -> (text: String, target: String)? {
        // Keys are kept as long as mail, and are those of one sender.
        guard !message.isOld, id == sender.id, let target = message.target else { return nil }
        var error: String?
        if !message.isAccepted {
            switch resolve(target, from: sender, holds: connection.holds) {
            case .failure(let failure): error = failure.code
            case .success(let recipient):
                // Nobody can say for whom it is now.
                guard recipient === message.recipient else { return nil }
            }
        }
        connection.answers[ref] = .sentBefore(message, orError: error)
        return (text(of: message), target)
    }

    func broadcast(_ connection: ModelConnection, ref: String, at now: Timestamp, isAlone: Bool) -> String {
        guard let sender = connection.session else { return "" }
        let message = newMessage(from: sender, target: nil, to: nil, at: now)
        let others = here.filter { $0 !== sender }
        for other in others {
            other.deliveries.append(ModelDelivery(message, for: other))
            other.expectMail()
        }
        let state: DeliveryState = others.isEmpty ? .queued : .delivered
        connection.answers[ref] = .sent(
            message,
            to: nil,
            recipients: others.count,
            states: isAlone ? [state] : [.queued, .delivered]
        )
        return text(of: message)
    }

    private func newMessage(
        from sender: ModelSession,
        target: String?,
        to recipient: ModelSession?,
        at now: Timestamp
    ) -> ModelMessage {
        let message = ModelMessage(messages.count + 1, from: sender, target: target, to: recipient, at: now)
        messages.append(message)
        return message
    }

    private func text(of message: ModelMessage) -> String { "message \(message.number)" }

    /// What was accepted, as far as anybody knows.
    var accepted: [ModelMessage] { messages.filter { $0.isAccepted && $0.id != nil } }

    // MARK: Lists

    func list() -> [String] {
        here.map { ($0.name ?? "", $0.id) }.sorted { $0 < $1 }.map { "\($0) \($1)" }
    }

    func listAll() -> [String: ModelConnection.Listed] {
        let entries = sessions.map { session in
            let listed = ModelConnection.Listed(
                name: session.name ?? "",
                isOnline: session.connection != nil,
                waiting: session.waiting
            )
            return (session.id, listed)
        }
        return Dictionary(entries) { first, _ in first }
    }

    // MARK: Time, and the end of servers

    /// The maintenance looks at the calendar.
    func look(at now: Timestamp, passed: Duration) {
        let mayExpire = calendar.look(at: now, passed: passed)
        for session in sessions {
            if session.connection != nil { session.lastSeen = now }
            for delivery in session.deliveries { delivery.growOld(at: now, mayExpire: mayExpire) }
            for key in session.keys.values where now.timeSince(key.message.sentAt) >= ModelCalendar.retention {
                key.message.isOld = key.message.isOld || mayExpire
            }
        }
        forgettable = mayExpire ? sessions.filter { $0.mayBeForgotten(at: now) } : []
    }

    private var forgettable: [ModelSession] = []

    /// Forgets those of the sessions that the server has forgotten, if it was allowed to.
    func forgetAll(but known: Set<String>) {
        let forgotten = forgettable.filter { !known.contains($0.id) }
        sessions.removeAll { session in forgotten.contains { $0 === session } }
        forgettable = []
    }

    /// What was on its way was shown, or waits.
    func everythingHasArrived() {
        for session in sessions { for delivery in session.deliveries { delivery.isOnItsWay = false } }
    }

    /// The server has written down all that it knows.
    func everythingIsStored() {
        for session in sessions {
            for delivery in session.deliveries where delivery.isSeen { delivery.isStored = true }
        }
    }

    /// The server is gone, in good order or not.
    ///
    /// - Parameter isKilled: it could not write anything more.
    func serverEnds(isKilled: Bool, at now: Timestamp) {
        for session in sessions {
            if !isKilled, session.connection != nil { session.lastSeen = now }
            session.connection?.wasDropped = true
            session.connection = nil
            guard isKilled else { continue }
            for delivery in session.deliveries where delivery.isSeen && !delivery.isStored {
                delivery.isSeen = false
                delivery.waitsForSure = false
            }
        }
    }
}
