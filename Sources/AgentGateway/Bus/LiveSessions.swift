import InterSessionCore

/// The sessions that are on the bus, as agents elsewhere call them.
struct LiveSessions: Sendable, Equatable {
    struct Session: Sendable, Equatable {
        let id: String
        let label: RoutingLabel
        let workingDirectory: String
    }

    private let sessions: [Session]

    init(_ listing: [ServerFrame.SessionSummary] = []) {
        sessions = listing.compactMap { session in
            RoutingLabel(ofSession: session.name, id: session.sessionID).map {
                Session(id: session.sessionID, label: $0, workingDirectory: session.workingDirectory)
            }
        }
    }

    var isEmpty: Bool { sessions.isEmpty }

    subscript(id: String) -> Session? { sessions.first { $0.id == id } }

    func decide(to target: RoutingLabel?, policy: UnroutedPolicy) -> RoutingDecision {
        let labels = sessions.map(\.label)
        return RoutingDecision(to: target, live: labels, primary: labels.min(), policy: policy)
    }

    /// The ids of the sessions with these labels.
    func ids(of labels: [RoutingLabel]) -> [String] {
        sessions.filter { labels.contains($0.label) }.map(\.id)
    }
}
