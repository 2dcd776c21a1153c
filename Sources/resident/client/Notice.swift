import InterSessionCore

/// What the client says of the bus itself. Each is one line, and one notification to the agent, so there are few.
enum Notice {
    case connected(name: String, sessionID: String)
    case connectedAgain(name: String)
    case nameChosen(SessionName, isFromDirectory: Bool)
    case arrivedWhileAway(count: Int)
    case nameTaken(SessionName, using: SessionName)
    case nameStillTaken(SessionName)
    case anotherMonitor(ListenerState?)
    case unreachable(reason: String)
    case replaced
    case toldToLeave
    case refused(reason: String)
    case joined(name: String)
    case left(name: String)
    case renamed(from: String, to: String)
    case ownName(String)

    var line: String {
        NotificationLine.notice(text)
    }

    private var text: String {
        switch self {
        case .connected(let name, let sessionID):
            "connected as '\(name)' (session_id=\(sessionID))"
        case .connectedAgain(let name):
            "connected again as '\(name)'"
        case .nameChosen(let name, let isFromDirectory):
            "no name given; using '\(name)'" + (isFromDirectory ? " from the working directory" : "")
        case .arrivedWhileAway(let count):
            count == 1
                ? "1 message arrived while this session was away"
                : "\(count) messages arrived while this session was away"
        case .nameTaken(let name, let other):
            "name '\(name)' taken; using '\(other)'"
        case .nameStillTaken(let name):
            "name '\(name)' taken after \(NameRetries.most) retries; run /inter-session connect <other-name>"
        case .anotherMonitor(let state):
            "another monitor for this session is already running — name='\(state?.name ?? "?")', "
                + "listener_pid=\(state.map { "\($0.listenerProcessID)" } ?? "?"), "
                + "session_id=\(state?.sessionID ?? "?"); exiting"
        case .unreachable(let reason):
            "the bus cannot be reached: \(reason); still trying"
        case .replaced:
            "this session was taken over by another monitor; exiting"
        case .toldToLeave:
            "disconnected by request; exiting"
        case .refused(let reason):
            "the bus refused this session: \(reason); exiting"
        case .joined(let name): "joined: '\(name)'"
        case .left(let name): "left: '\(name)'"
        case .renamed(let from, let to): "renamed: '\(from)' is now '\(to)'"
        case .ownName(let name): "this session is now called '\(name)'"
        }
    }
}
