import InterSessionCore

/// What the client says of the bus itself. Each is one line, and one notification to the agent, so there are few.
struct Notices: Sendable {
    private let key: SessionKey
    private let directory: DataDirectory
    private let peers = PeerNames()

    init(_ key: SessionKey, in directory: DataDirectory) {
        self.key = key
        self.directory = directory
    }

    /// - Returns: nil where there is nothing to say.
    func line(for event: SessionEvent) -> String? {
        switch event {
        case .connected(let name, let sessionID): Self.line("connected as '\(name)' (session_id=\(sessionID))")
        case .connectedAgain(let name): Self.line("connected again as '\(name)'")
        case .nameChosen(let name, let isFromDirectory):
            Self.line("no name given; using '\(name)'" + (isFromDirectory ? " from the working directory" : ""))
        case .nameTaken(let name, let other): Self.line("name '\(name)' taken; using '\(other)'")
        case .nameStillTaken(let name):
            Self.line(
                "name '\(name)' taken after \(NameRetries.most) retries; run /inter-session connect <other-name>"
            )
        case .renamed(let name): Self.line("this session is now called '\(name)'")
        case .arrivedWhileAway(let count):
            Self.line("\(count) \(count == 1 ? "message" : "messages") arrived while this session was away")
        case .unreachable(let reason): Self.line("the bus cannot be reached: \(reason); still trying")
        case .refused(let reason): Self.line("the bus refused this session: \(reason); exiting")
        case .placeTaken: anotherMonitor
        case .others(let frame): peers.news(in: frame).map(Self.line)
        }
    }

    /// Another process receives for this session.
    var anotherMonitor: String {
        let state = SessionState.read(key, in: directory)
        return Self.line(
            "another monitor for this session is already running — name='\(state?.name ?? "?")', "
                + "listener_pid=\(state.map { "\($0.processID)" } ?? "?"), "
                + "session_id=\(state?.sessionID ?? "?"); exiting"
        )
    }

    /// - Returns: nil where the reason was said already.
    func line(for end: SessionLink.End) -> String? {
        switch end {
        case .replaced: Self.line("this session was taken over by another monitor; exiting")
        case .gone: Self.line("disconnected by request; exiting")
        case .left, .refused: nil
        }
    }

    private static func line(_ text: String) -> String { NotificationLine.notice(text) }
}
