import InterSessionCore
import Synchronization

/// What the other sessions are called, which `peer_left` and `renamed` do not say.
final class PeerNames: Sendable {
    private let names = Mutex<[String: String]>([:])

    /// Who has joined, left or been renamed, for a person; nil for a frame that says nothing of it.
    func news(in frame: ServerFrame) -> String? {
        names.withLock { names in
            func displayName(_ id: String) -> String {
                NotificationLine.displayName(name: names[id] ?? "", sessionID: id)
            }
            switch frame {
            case .listing(let sessions, _, _):
                for session in sessions { names[session.sessionID] = session.name }
                return nil
            case .peerJoined(let id, let name):
                names[id] = name
                return "joined: '\(displayName(id))'"
            case .peerLeft(let id):
                defer { names[id] = nil }
                return "left: '\(displayName(id))'"
            case .renamed(let id?, let name, _):
                let old = displayName(id)
                names[id] = name
                return "renamed: '\(old)' is now '\(displayName(id))'"
            case .renamed, .welcome, .pong, .message, .waiting, .sent, .notice, .messages, .disconnected, .error:
                return nil
            }
        }
    }
}
