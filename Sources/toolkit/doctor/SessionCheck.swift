import InterSessionCore
import Platform

/// This Claude Code session: whether its client runs.
struct SessionCheck {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) {
        self.directory = directory
    }

    var findings: [Finding] {
        guard File.exists(directory.path) else { return [] }
        do {
            let key = try SessionKey.current()
            guard let state = try SessionState.ofLiveClient(key, in: directory) else {
                return [
                    .warning(
                        "this session",
                        "not connected (key \(key))",
                        fix: "run /inter-session in this Claude Code session"
                    )
                ]
            }
            return [
                .ok(
                    "this session",
                    "'\(state.name)', client \(state.processID), port \(state.port) (key \(key))"
                )
            ]
        } catch {
            return [.error("this session", "\(error)", fix: "correct what it names")]
        }
    }
}
