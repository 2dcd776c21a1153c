import InterSessionCore
import Platform

/// How long a client lives: as long as its Claude Code session, its reader and its user let it.
struct ClientLifetime: Sendable {
    /// Nil where Claude Code is not to be found: then nothing is watched.
    let claudeProcess: Int32?

    /// Runs the link until the first reason to leave.
    func run(_ link: SessionLink, _ session: SessionPeer, _ sink: some MessageSink) async throws -> SessionLink.End {
        try await withThrowingTaskGroup(of: SessionLink.End.self) { tasks in
            tasks.addTask { try await link.run(session, sink) }
            tasks.addTask {
                _ = try await Lifeline.end(ofProcess: claudeProcess, needsReader: true)
                return .left
            }
            defer { tasks.cancelAll() }
            return try await tasks.next() ?? .left
        }
    }
}
