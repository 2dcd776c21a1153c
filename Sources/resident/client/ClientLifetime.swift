import ArgumentParser
import InterSessionCore
import Platform

/// How long a client lives: as long as its Claude Code session, its reader and its user let it.
struct ClientLifetime: Sendable {
    /// Nil where Claude Code is not to be found: then nothing is watched.
    let claudeProcess: Int32?

    /// Runs the listener until the first reason to leave.
    func run(_ listener: Listener) async throws -> ExitCode {
        try await withThrowingTaskGroup(of: ExitCode?.self) { tasks in
            tasks.addTask {
                var listener = listener
                return try await listener.run()
            }
            tasks.addTask {
                _ = try await Lifeline.end(ofProcess: claudeProcess, needsReader: true)
                return .success
            }
            defer { tasks.cancelAll() }
            return try await tasks.next().flatMap { $0 } ?? .success
        }
    }
}
