import Platform

/// A session of this machine on the bus: it keeps its name, its id and its place in the data directory through as many
/// connections as it has.
package actor SessionPeer: LinkPeer {
    private static let features: Features = [.acks, .replies, .sessions, .notices]
    /// How often a session that was on the bus tries to come back before it says that something is wrong: a server that is
    /// started again takes less.
    private static let quietAttempts = 4

    private let settings: BusSettings
    private let received: ReceivedMessages
    private let watchesOthers: Bool
    private let report: @Sendable (SessionEvent) async throws -> Void

    private var identity: SessionIdentity
    private var place: SessionPlace
    private var nameRetries: NameRetries?
    private var wasConnected = false
    private var hasComplained = false
    /// Another session has the id that the environment names; ours was made up.
    private var hasOwnSessionID = false
    /// The next mail is what came while nobody received it, and the session is to be told how much that is.
    private var wasAway = true

    /// - Parameters:
    ///   - watchesOthers: reports who is there, joins and leaves, too.
    ///   - report: returns when it was said; what it throws ends the connection, and a broken pipe the link.
    package init(
        _ identity: SessionIdentity,
        _ place: SessionPlace,
        on settings: BusSettings,
        received: ReceivedMessages,
        watchesOthers: Bool = false,
        report: @escaping @Sendable (SessionEvent) async throws -> Void
    ) {
        self.identity = identity
        self.place = place
        self.settings = settings
        self.received = received
        self.watchesOthers = watchesOthers
        self.report = report
        if identity.nameOrigin == .given { nameRetries = identity.name.map(NameRetries.init) }
    }

    /// Gives the session's place up.
    package func leave() {
        place.leave()
    }

    // MARK: LinkPeer

    package func hello() async throws -> ClientFrame.Hello? {
        if !place.isKept {
            var place = place
            guard try await place.takeAgain() else {
                try await report(.placeTaken)
                return nil
            }
            self.place = place
            try received.restore()
        }
        return identity.hello(received: received.newest, features: Self.features)
    }

    package func welcomed(_ welcome: ServerFrame.Welcome, on link: SessionLink) async throws {
        if watchesOthers { link.tell(.list(all: false)) }
        let suggestion = identity.name?.rawValue ?? ""
        identity.name = SessionName(rawValue: welcome.assignedName)
        try place.publish(identity, on: settings)
        if !wasConnected {
            if identity.nameOrigin == .suggested, let name = identity.name {
                let isFromDirectory = name.rawValue == suggestion || name.rawValue.hasPrefix("\(suggestion)-")
                try await report(.nameChosen(name, isFromDirectory: isFromDirectory))
            }
            try await report(.connected(name: welcome.assignedName, sessionID: welcome.sessionID))
        } else if hasComplained {
            try await report(.connectedAgain(name: welcome.assignedName))
        }
        wasConnected = true
        hasComplained = false
    }

    package func received(_ frame: ServerFrame) async throws {
        switch frame {
        case .waiting(let count):
            if wasAway, count > 0 { try await report(.arrivedWhileAway(count: count)) }
            wasAway = false
        case .renamed(let id, let name, _) where id == identity.sessionID.rawValue:
            identity.name = SessionName(rawValue: name)
            try place.publish(identity, on: settings)
            try await report(.renamed(name: name))
        case .peerJoined, .peerLeft, .renamed, .listing:
            if watchesOthers { try await report(.others(frame)) }
        case .welcome, .pong, .message, .sent, .notice, .messages, .disconnected, .error:
            break
        }
    }

    package func refused(_ failure: ServerFrame.Failure, isWelcome: Bool) async throws -> Refusal {
        switch failure.code {
        case .nameTaken:
            guard let wanted = nameRetries?.wanted else { return .retry }
            switch nameRetries?.next(candidates: failure.candidates) {
            case .use(let name):
                identity.name = name
                try await report(.nameTaken(wanted, using: name))
                return .again
            case .giveUp, nil:
                try await report(.nameStillTaken(wanted))
                return .end
            }
        case .unauthorized:
            // On the Unix socket this is one thing only: another client has our session id, with its own nonce.
            guard !hasOwnSessionID else { return .retry }
            hasOwnSessionID = true
            identity.sessionID = .random()
            return .again
        default:
            try await report(.refused(reason: failure.description))
            return .end
        }
    }

    package func lost(_ error: any Error, attempts: Int) async throws {
        // Nobody reads any more what the session is told.
        if let error = error as? PlatformError, error.isBrokenPipe { throw error }
        guard !hasComplained, attempts >= (wasConnected ? Self.quietAttempts : 1) else { return }
        hasComplained = true
        wasAway = true
        let isSilent = error as? BusError == .closed(code: nil, reason: "")
        try await report(.unreachable(reason: isSilent ? "the server closed the connection" : "\(error)"))
    }
}
