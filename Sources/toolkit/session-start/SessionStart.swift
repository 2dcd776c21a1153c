import InterSessionCore
import NIOCore
import Platform
import ToolSupport

struct SessionStart: Tool {
    static let purpose = "Greet a new Claude Code session (the plugin's SessionStart hook)."
    static let example = "session-start"

    /// How long a new session may be held up, by a hand that starts the tool and types nothing as by the bus.
    private static let patience: Duration = .milliseconds(200)

    func run() async throws {
        let deadline = ContinuousClock.now + Self.patience
        let input = HookInput(StandardStreams.readInput(within: Self.patience, limit: 1 << 20))
        let directory = try DataDirectory.current()
        try directory.prepare()
        let options = PluginOptions(environment: { Environment[$0] })
        try options.save(in: directory)
        // A hook that fails is noise in every session; what is wrong belongs where the agent reads it.
        var sentences = options.problems.map { "The plugin option \($0)." }
        sentences.append(try Self.greeting(in: directory))
        if let hint = await WaitingMail(input, directory).hint(within: deadline - .now) { sentences.append(hint) }
        try StandardStreams.print(Self.output(sentences.joined(separator: " ")))
    }

    private static func greeting(in directory: DataDirectory) throws -> String {
        guard let session = try SessionState.ofLiveClient(try SessionKey.current(), in: directory) else {
            return "inter-session is available: /inter-session connects this session to the others on this machine."
        }
        let name = NotificationLine.displayName(name: session.name, sessionID: session.sessionID)
        return "This session is on the inter-session bus as '\(name)'; /inter-session list shows the others."
    }

    /// What Claude Code reads from a SessionStart hook.
    private static func output(_ context: String) -> String {
        String(
            buffer: JSONWriter.object { json in
                json.object("hookSpecificOutput") { json in
                    json.field("hookEventName", "SessionStart")
                    json.field("additionalContext", context)
                }
            }
        )
    }
}
