import InterSessionCore
import NIOCore
import Platform
import ToolSupport

/// The programs, the plugin's files, and whether they are of one version.
struct InstallationCheck {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) {
        self.directory = directory
    }

    var findings: [Finding] {
        [program, installed]
            + (PluginRoot.current.map { [plugin($0), skill($0), launcher($0), monitor] } ?? [noPlugin])
    }

    private var program: Finding {
        .ok("program", "\(InterSession.version), \(Environment.executable ?? "of unknown place")")
    }

    private var installed: Finding {
        let place = "\(directory.libexec)/\(InterSession.version)"
        if let libexec = Environment["INTER_SESSION_LIBEXEC"] {
            return .warning(
                "installation",
                "INTER_SESSION_LIBEXEC has the launchers run \(libexec)",
                fix: "unset it, unless you are testing"
            )
        }
        guard File.isExecutable("\(place)/server") else {
            let others = Directory.entries(directory.libexec).filter { !$0.contains("-") }
            let hint = others.isEmpty ? "" : " (installed: \(others.joined(separator: ", ")))"
            return .warning(
                "installation",
                "version \(InterSession.version) is not in \(directory.libexec)\(hint)",
                fix: "run bin/install-deps --yes"
            )
        }
        return .ok("installation", place)
    }

    private var noPlugin: Finding {
        .warning("plugin", "its directory is not known", fix: "run the tools through bin/, as sh <bin>/doctor")
    }

    private func plugin(_ root: String) -> Finding {
        let path = "\(root)/.claude-plugin/plugin.json"
        guard let content = try? File.readAny(path, limit: 1 << 20),
            let object = try? JSONObject(foreign: ByteBuffer(bytes: content), keeping: ["version"]),
            let version = try? object.string("version")
        else {
            return .warning(
                "plugin",
                "\(path) cannot be read",
                fix: "install the plugin again, or ignore this for a bare skill"
            )
        }
        guard version == InterSession.version else {
            return .error(
                "plugin",
                "the plugin is \(version), this program \(InterSession.version)",
                fix: "run bin/install-deps --yes"
            )
        }
        return .ok("plugin", "\(version), \(root)")
    }

    private func skill(_ root: String) -> Finding {
        let place = "\(root)/skills/inter-session"
        guard File.exists("\(place)/SKILL.md") else {
            return .error("skill", "there is no \(place)/SKILL.md", fix: "install the plugin again")
        }
        guard File.exists("\(place)/bin/send") else {
            return .error(
                "skill",
                "\(place)/bin does not lead to the tools",
                fix: "link it to ../../bin, or install again"
            )
        }
        return .ok("skill", "\(place)/SKILL.md")
    }

    private func launcher(_ root: String) -> Finding {
        let path = "\(root)/bin/launcher"
        guard File.exists(path) else {
            return .error("launcher", "there is no \(path)", fix: "install the plugin again")
        }
        guard File.isExecutable(path) else {
            return .ok("launcher", "\(path), not executable: run the tools as sh <bin>/TOOL")
        }
        return .ok("launcher", path)
    }

    private var monitor: Finding {
        do {
            guard let file = try MonitorsFile.find() else {
                return .ok("monitor", "this is no plugin install; /inter-session connects each session")
            }
            return .ok(
                "monitor",
                file.isOn ? "each session joins by itself" : "a session joins when /inter-session is used"
            )
        } catch {
            return .error("monitor", "\(error)", fix: "install the plugin again")
        }
    }
}
