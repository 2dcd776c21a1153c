import InterSessionCore

/// What the other sessions are called, which `peer_left` and `renamed` do not say.
struct PeerNames: Sendable {
    private var names: [String: String] = [:]

    /// The names of who was there first.
    mutating func remember(_ sessions: [ServerFrame.SessionSummary]) {
        for session in sessions { names[session.sessionID] = session.name }
    }

    /// The notice for news of a peer; nil for a frame that is none.
    mutating func notice(of frame: ServerFrame) -> Notice? {
        switch frame {
        case .peerJoined(let id, let name):
            names[id] = name
            return .joined(name: displayName(id))
        case .peerLeft(let id):
            defer { names[id] = nil }
            return .left(name: displayName(id))
        case .renamed(let id?, let name, _):
            let old = displayName(id)
            names[id] = name
            return .renamed(from: old, to: displayName(id))
        default:
            return nil
        }
    }

    private func displayName(_ id: String) -> String {
        NotificationLine.displayName(name: names[id] ?? "", sessionID: id)
    }
}
