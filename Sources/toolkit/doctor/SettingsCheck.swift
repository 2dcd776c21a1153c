import InterSessionCore
import Platform
import ToolSupport

/// Settings, wherever they come from, and what Claude Code says in the environment.
struct SettingsCheck {
    private let directory: DataDirectory
    private let options: BusOptions

    init(_ directory: DataDirectory, _ options: BusOptions) {
        self.directory = directory
        self.options = options
    }

    var findings: [Finding] { [configuration, settings, policy, sessionID, claude, files, clock] }

    private var configuration: Finding {
        do {
            let configuration = try Configuration.read(from: directory)
            let trusted = configuration.trustedAgents
            return .ok(
                "config.json",
                trusted.isEmpty
                    ? "no agent outside is trusted" : "trusted: \(trusted.map(\.rawValue).joined(separator: ", "))"
            )
        } catch {
            return .error("config.json", "\(error)", fix: "mend or remove the file")
        }
    }

    private var settings: Finding {
        do {
            let settings = try BusSettings(
                environment: { Environment[$0] },
                configuration: (try? Configuration.read(from: directory)) ?? Configuration()
            )
            let idle = settings.idleShutdownMinutes
            return .ok(
                "settings",
                "\(settings.host):\(settings.port), an idle server leaves "
                    + (idle == 0 ? "never" : "after \(idle) minutes")
            )
        } catch {
            return .error("settings", "\(error)", fix: "correct or unset it")
        }
    }

    private var policy: Finding {
        do {
            return .ok("unrouted mail", try UnroutedPolicy(environment: { Environment[$0] }).rawValue)
        } catch {
            return .error("unrouted mail", "\(error)", fix: "correct or unset it")
        }
    }

    private var sessionID: Finding {
        guard let text = Environment["CLAUDE_CODE_SESSION_ID"] else {
            return .warning(
                "Claude Code",
                "CLAUDE_CODE_SESSION_ID is not set, so a session gets another id each time",
                fix: "none needed outside Claude Code; inside, update Claude Code"
            )
        }
        guard SessionID(rawValue: text) != nil else {
            return .error(
                "Claude Code",
                "CLAUDE_CODE_SESSION_ID is '\(text.prefix(80))', which is no session id",
                fix: "unset it, or update Claude Code"
            )
        }
        return .ok("Claude Code", "session \(text)")
    }

    private var claude: Finding {
        if let text = Environment["CLAUDE_PID"], Int32(text).map(SystemProcess.isAlive) != true {
            return .warning(
                "Claude Code process",
                "CLAUDE_PID is '\(text.prefix(20))', which is not running",
                fix: "unset it"
            )
        }
        guard let process = SessionKey.claudeProcess() else {
            return .warning(
                "Claude Code process",
                "none above this one: a client that starts here ends with its terminal only",
                fix: "none needed outside Claude Code"
            )
        }
        return .ok("Claude Code process", "\(process)")
    }

    private var files: Finding {
        let limit = SystemProcess.openFileLimit
        guard limit >= 1024 else {
            return .warning(
                "open files",
                "a process may have \(limit), and the server needs one for each session",
                fix: "raise the hard limit (ulimit -Hn)"
            )
        }
        return .ok("open files", limit > 1_000_000_000 ? "no limit" : "up to \(limit)")
    }

    private var clock: Finding {
        let now = Timestamp.now()
        let port = (try? options.settings(directory))?.port ?? BusSettings.defaultPort
        guard let newest = MessageLogTail.newest(in: directory, port: port), newest.time - .seconds(60) > now else {
            return .ok("clock", now.iso8601)
        }
        return .warning(
            "clock",
            "it says \(now.iso8601), and the newest message is of \(newest.time.iso8601)",
            fix: "set the clock; until then times of messages are those of before, their order is right"
        )
    }
}

/// The newest message of messages.log.
private enum MessageLogTail {
    static func newest(in directory: DataDirectory, port: Int) -> MessageID? {
        guard let tail = try? File.tail(directory.messageLog(port: port), count: 256 * 1024) else { return nil }
        let ids = String(decoding: tail, as: UTF8.self).matches(of: #/"msg_id":"([0-9a-z]{10})","ts"/#)
        return ids.last.flatMap { MessageID(String($0.1)) }
    }
}
