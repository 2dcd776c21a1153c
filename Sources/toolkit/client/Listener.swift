import ArgumentParser
import InterSessionCore
import NIOCore
import Platform

/// Keeps the session on the bus and prints what arrives, through as many connections as that takes.
struct Listener: Sendable {
    let endpoint: BusEndpoint
    let key: SessionKey
    let isVerbose: Bool
    private static let features: Features = [.acks, .replies, .sessions, .notices]

    private var identity: SessionIdentity
    /// Held for as long as this process listens for the session.
    private var lock: FileLock
    private var printed: PrintedMessages
    private var nameRetries: NameRetries?
    private var wasConnected = false
    /// Attempts without a welcome since the last one.
    private var failures = 0
    private var hasComplained = false
    private var peers = PeerNames()
    /// Another client has the session id of our Claude Code session; ours was made up.
    private var hasOwnSessionID = false

    /// The next mail is what came while nobody listened, and the session is to be told how much that is.
    private var wasAway = true

    init(
        endpoint: BusEndpoint,
        key: SessionKey,
        identity: SessionIdentity,
        lock: FileLock,
        printed: PrintedMessages,
        isVerbose: Bool
    ) {
        self.endpoint = endpoint
        self.key = key
        self.identity = identity
        self.lock = lock
        self.printed = printed
        self.isVerbose = isVerbose
        if identity.nameOrigin == .given { nameRetries = identity.name.map(NameRetries.init) }
    }

    private enum Outcome {
        case leave(ExitCode)
        /// At once: the hello has changed.
        case again
        case lost(reason: String)
    }

    /// Runs until the bus ends it, or its reader is gone.
    ///
    /// - Returns: the exit code of the client.
    mutating func run() async throws -> ExitCode {
        var backoff = ReconnectBackoff()
        var generator = SystemRandomNumberGenerator()
        while true {
            let outcome: Outcome
            do {
                guard try takePlaceAgain() else {
                    try print(.anotherMonitor(.read(key, in: endpoint.directory)))
                    return .success
                }
                let socket = try await ServerElection(endpoint: endpoint).connect()
                outcome = try await listen(on: socket)
            } catch let error as PlatformError where error.isBrokenPipe {
                return .success
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                outcome = try judge(error)
            }
            switch outcome {
            case .leave(let code): return code
            case .again: continue
            case .lost(let reason):
                if failures == 0 { backoff.reset() }
                failures += 1
                try complain(reason)
                try await pause(backoff.next(using: &generator))
            }
        }
    }

    /// Makes our files again where the data directory was removed.
    ///
    /// - Returns: false when another client has taken our place there.
    private mutating func takePlaceAgain() throws -> Bool {
        let path = endpoint.directory.clientLock(key)
        guard !lock.isInPlace(path) else { return true }
        try endpoint.directory.prepare()
        guard let lock = try FileLock.tryLock(path) else { return false }
        self.lock = lock
        try printed.restore()
        return true
    }

    /// One connection, from hello to its end.
    private mutating func listen(on socket: Descriptor) async throws -> Outcome {
        let (listener, outcome) = try await BusConnection.withConnection(on: socket) { [self] inbound, outbound in
            let hello = identity.hello(printed: printed.newest, features: Self.features)
            try await outbound.write(ClientRequest(.hello(hello)))
            if isVerbose { try await outbound.write(ClientRequest(.list(all: false))) }
            let acknowledgements = Acknowledgements()
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await acknowledgements.send(through: outbound) }
                defer { tasks.cancelAll() }
                var listener = self
                do {
                    for try await frame in inbound {
                        try await StandardStreams.waitForRoom()
                        if let outcome = try listener.receive(frame, acknowledgements) { return (listener, outcome) }
                    }
                    return (listener, Outcome.lost(reason: "the server closed the connection"))
                } catch {
                    return (listener, try listener.judge(error))
                }
            }
        }
        self = listener
        return outcome
    }

    private mutating func receive(_ frame: ServerFrame, _ acknowledgements: Acknowledgements) throws -> Outcome? {
        switch frame {
        case .welcome(let welcome): try welcomed(welcome)
        case .waiting(let count):
            if wasAway, count > 0 { try print(.arrivedWhileAway(count: count)) }
            wasAway = false
        case .message(let message):
            try show(message.id, acknowledgements) { [log, isTrusted = isTrusted(message)] in
                NotificationLine.lines(for: message, isTrusted: isTrusted, log: log)
            }
        case .notice(let notice):
            try show(notice.id, acknowledgements) { [NotificationLine.notice(notice.text)] }
        case .renamed(let id, let name, _) where id == identity.sessionID.rawValue: try renamed(to: name)
        case .error(let failure): return try refused(failure)
        case .peerJoined, .peerLeft, .renamed:
            if isVerbose, let notice = peers.notice(of: frame) { try print(notice) }
        case .listing(let sessions, _, _): peers.remember(sessions)
        case .pong, .sent, .messages, .disconnected: break
        }
        return nil
    }

    /// Prints what has not been printed yet, and acknowledges it in any case: its sender waits for that.
    private mutating func show(_ id: String, _ acknowledgements: Acknowledgements, _ lines: () -> [String]) throws {
        let messageID = MessageID(id)
        if let messageID, printed.contains(messageID) { return acknowledgements.add(id) }
        for line in lines() { try StandardStreams.print(line) }
        if let messageID { try printed.insert(messageID) }
        acknowledgements.add(id)
    }

    /// Read anew each time: what the user has changed holds at once.
    private func isTrusted(_ message: ServerFrame.Message) -> Bool {
        guard OutsideAddress(message.fromName) != nil else { return false }
        return (try? Configuration.read(from: endpoint.directory))?.trusts(message) ?? false
    }

    private mutating func welcomed(_ welcome: ServerFrame.Welcome) throws {
        let suggestion = identity.name?.rawValue ?? ""
        identity.name = SessionName(rawValue: welcome.assignedName)
        failures = 0
        try saveState()
        if !wasConnected {
            if identity.nameOrigin == .suggested, let name = identity.name {
                let isFromDirectory = name.rawValue == suggestion || name.rawValue.hasPrefix("\(suggestion)-")
                try print(.nameChosen(name, isFromDirectory: isFromDirectory))
            }
            try print(.connected(name: welcome.assignedName, sessionID: welcome.sessionID))
        } else if hasComplained {
            try print(.connectedAgain(name: welcome.assignedName))
        }
        wasConnected = true
        hasComplained = false
    }

    /// A tool of this session renamed it.
    private mutating func renamed(to name: String) throws {
        identity.name = SessionName(rawValue: name)
        try saveState()
        try print(.ownName(name))
    }

    private mutating func refused(_ failure: ServerFrame.Failure) throws -> Outcome {
        switch failure.code {
        case .nameTaken:
            switch nameRetries?.next(candidates: failure.candidates) {
            case .use(let name, let notice):
                identity.name = name
                try print(notice)
                return .again
            case .giveUp(let notice):
                try print(notice)
                return .leave(.refused)
            case nil:
                return .lost(reason: failure.description)
            }
        case .unauthorized:
            // On the Unix socket this is one thing only: another client has our session id, with its own nonce.
            guard !hasOwnSessionID else { return .lost(reason: failure.description) }
            hasOwnSessionID = true
            identity.sessionID = .random()
            return .again
        default:
            try print(.refused(reason: failure.description))
            return .leave(.refused)
        }
    }

    /// What the end of a connection means.
    private func judge(_ error: any Error) throws -> Outcome {
        switch error {
        case let error as PlatformError where error.isBrokenPipe: throw error
        case is CancellationError: throw error
        case BusError.closed(CloseCode.replaced.rawValue, _):
            try print(.replaced)
            return .leave(.success)
        case BusError.closed(CloseCode.gone.rawValue, _):
            try print(.toldToLeave)
            return .leave(.success)
        default:
            return .lost(reason: "\(error)")
        }
    }

    /// Says once that something is wrong: at once where the session never was on the bus, else when it does not come
    /// back by itself.
    private mutating func complain(_ reason: String) throws {
        guard !hasComplained, failures >= (wasConnected ? 4 : 1) else { return }
        hasComplained = true
        wasAway = true
        try print(.unreachable(reason: reason))
    }

    private func saveState() throws {
        let state = ListenerState(
            sessionID: identity.sessionID.rawValue,
            name: identity.name?.rawValue ?? "",
            label: identity.label.rawValue,
            nonce: identity.nonce,
            listenerProcessID: SystemProcess.current,
            listenerStarted: SystemProcess.startTime(of: SystemProcess.current),
            host: endpoint.settings.host,
            port: endpoint.settings.port,
            createdAt: Timestamp.now().iso8601
        )
        try state.write(key, in: endpoint.directory)
    }

    private var log: String { "\(endpoint.directory.abbreviated)/bus.\(endpoint.settings.port)/messages.log" }

    private func print(_ notice: Notice) throws {
        try StandardStreams.print(notice.line)
    }
}
