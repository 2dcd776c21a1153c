import SystemCalls

/// The environment variables of this process, and what else it was started with.
package enum Environment {
    /// The variable's value; nil when it is unset or empty.
    package static subscript(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// Changes it for this process and those that it starts. Only where no other thread reads it yet.
    package static func set(_ name: String, to value: String) {
        setenv(name, value, 1)
    }

    package static var all: [String: String] {
        var variables: [String: String] = [:]
        guard var entry = platform_environment() else { return variables }
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
            entry += 1
        }
        return variables
    }

    /// What a program of ours gets that is no tool of the session: the server, ssh, a command that answers.
    ///
    /// It is chosen by name, since what it is started from is a coding agent's: with keys of its provider, which a
    /// long-lived process must not carry about, and with variables that would make another agent take itself for part
    /// of that session.
    package static var forChild: [String: String] { forChild(of: all) }

    package static func forChild(of variables: [String: String]) -> [String: String] {
        variables.filter { name, _ in
            (childNames.contains(name) || childPrefixes.contains { name.hasPrefix($0) })
                && !secretSuffixes.contains { name.hasSuffix($0) }
        }
    }

    /// The variables, without any of the Claude Code session and of the bus that this process belongs to: for a tool of ours
    /// that is to be another session, on another bus.
    package static var outsideSession: [String: String] {
        all.filter { !$0.key.hasPrefix("CLAUDE") && !$0.key.hasPrefix("INTER_SESSION") }
    }

    private static let childNames: Set = [
        "HOME", "PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "LANG", "LANGUAGE", "TZ", "SSH_AUTH_SOCK",
    ]
    private static let childPrefixes = ["LC_", "XDG_", "INTER_SESSION_"]
    /// Even of ours: whoever calls a variable so keeps a secret in it.
    private static let secretSuffixes = ["_TOKEN", "_KEY"]

    package static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The file of this program, links resolved; nil where the system does not tell.
    package static var executable: String? {
        guard let path = SystemProcess.executable(of: getpid()) else { return nil }
        // Linux says so when the file was replaced under a running program; the new one has the same path.
        return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
    }
}
