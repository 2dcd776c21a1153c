import Platform

/// Which Claude Code session a process belongs to: the number that `client` and the one-shot tools agree on.
///
/// It names files, so it holds no dot.
package struct SessionKey: Hashable, Sendable, CustomStringConvertible {
    package let number: Int
    /// The pid namespace that the number is of; nil for that of the machine. A data directory may be shared with
    /// containers, whose processes have the same numbers.
    private let namespace: UInt64?

    package var description: String { namespace.map { "ns\($0)-\(number)" } ?? String(number) }

    package init(_ number: Int, namespace: UInt64? = nil) {
        self.number = number
        self.namespace = namespace
    }

    /// The key of this process.
    ///
    /// - Throws: ``SettingsError`` when the override is not a number.
    package static func current() throws(SettingsError) -> SessionKey {
        try decide(
            environment: { Environment[$0] },
            isAlive: SystemProcess.isAlive,
            ancestors: SystemProcess.ancestors(),
            namespace: SystemProcess.namespace
        )
    }

    /// `INTER_SESSION_PPID_OVERRIDE`, else the Claude Code process, else the parent.
    static func decide(
        environment: (String) -> String?,
        isAlive: (Int32) -> Bool,
        ancestors: some Sequence<SystemProcess.Ancestor>,
        namespace: UInt64?
    ) throws(SettingsError) -> SessionKey {
        if let text = environment("INTER_SESSION_PPID_OVERRIDE") {
            guard let number = Int(text) else {
                throw .notANumber(source: "INTER_SESSION_PPID_OVERRIDE", value: text, allowed: "(any)")
            }
            return SessionKey(number)
        }
        let claude = claudeProcess(environment: environment, isAlive: isAlive, ancestors: ancestors)
        return SessionKey(Int(claude ?? SystemProcess.parent), namespace: namespace)
    }

    /// The Claude Code process that this one belongs to, which it must not outlive.
    package static func claudeProcess() -> Int32? {
        claudeProcess(
            environment: { Environment[$0] },
            isAlive: SystemProcess.isAlive,
            ancestors: SystemProcess.ancestors()
        )
    }

    /// `CLAUDE_PID` while it lives, else the nearest ancestor that
    /// is Claude Code.
    static func claudeProcess(
        environment: (String) -> String?,
        isAlive: (Int32) -> Bool,
        ancestors: some Sequence<SystemProcess.Ancestor>
    ) -> Int32? {
        if let process = environment("CLAUDE_PID").flatMap({ Int32($0) }), isAlive(process) { return process }
        return ancestors.first { isClaudeCode($0.arguments) }?.processID
    }

    /// Whether a command line is Claude Code's: its native program, a versioned install, or node running its script.
    static func isClaudeCode(_ arguments: [String]) -> Bool {
        guard let program = arguments.first else { return false }
        let name = program.split(separator: "/").last ?? ""
        if name == "claude" || name.hasPrefix("claude-") { return true }
        if program.contains("/claude/versions/") || program.contains("/.local/share/claude/") { return true }
        guard name == "node" || name == "nodejs" else { return false }
        let script = arguments.dropFirst().first { !$0.hasPrefix("-") } ?? ""
        let parts = script.split(separator: "/")
        return parts.last == "claude" || parts.contains("claude-code")
    }
}
