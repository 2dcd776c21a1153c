/// What happens to a session on the bus beside its mail, for whoever hosts it to say.
package enum SessionEvent: Equatable, Sendable {
    case connected(name: String, sessionID: String)
    /// After ``unreachable(reason:)``.
    case connectedAgain(name: String)
    /// The session had no name, and got one.
    case nameChosen(SessionName, isFromDirectory: Bool)
    case nameTaken(SessionName, using: SessionName)
    case nameStillTaken(SessionName)
    /// A tool of the session has renamed it.
    case renamed(name: String)
    /// Mail that comes next.
    case arrivedWhileAway(count: Int)
    /// Said once, until the session is connected again.
    case unreachable(reason: String)
    case refused(reason: String)
    /// Another process receives for the session.
    case placeTaken
    /// Who is there, who joins, leaves or is renamed.
    case others(ServerFrame)
}
