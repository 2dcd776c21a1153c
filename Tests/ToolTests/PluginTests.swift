import Foundation
import InterSessionCore
import TestSupport
import Testing

/// The files that Claude Code reads, held against the fields that it accepts.
@Suite("plugin files")
struct PluginTests {
    private let root = BuiltTools.packageRoot

    private func json(_ path: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: root.appending(path: path)))
    }

    private func object(_ path: String) throws -> [String: Any] {
        try #require(try json(path) as? [String: Any])
    }

    @Test("plugin.json has known fields only, and the version of the tools")
    func plugin() throws {
        let plugin = try object(".claude-plugin/plugin.json")
        let known = [
            "name", "version", "description", "author", "homepage", "repository", "license", "keywords", "userConfig",
            "experimental",
        ]
        #expect(Set(plugin.keys).isSubset(of: known))
        #expect(plugin["name"] as? String == "inter-session")
        #expect(plugin["version"] as? String == InterSession.version)
        let experimental = try #require(plugin["experimental"] as? [String: String])
        #expect(experimental == ["monitors": "./monitors/monitors.json"])
    }

    @Test(
        "each option has what Claude Code demands and nothing it does not know",
        arguments: ["port", "idle_shutdown_minutes"]
    )
    func options(name: String) throws {
        let options = try #require(try object(".claude-plugin/plugin.json")["userConfig"] as? [String: [String: Any]])
        #expect(options.count == 2)
        let option = try #require(options[name])
        #expect(Set(option.keys).isSuperset(of: ["type", "title", "description"]))
        #expect(Set(option.keys).isSubset(of: ["type", "title", "description", "default", "min", "max", "required"]))
        #expect(option["type"] as? String == "number")
        let fallback = name == "port" ? BusSettings.defaultPort : BusSettings.defaultIdleMinutes
        #expect(option["default"] as? Int == fallback)
    }

    @Test("the monitor has the four fields, and runs the launcher through sh")
    func monitor() throws {
        let monitors = try #require(try json("monitors/monitors.json") as? [[String: String]])
        #expect(monitors.count == 1)
        #expect(Set(monitors[0].keys) == ["name", "command", "description", "when"])
        #expect(monitors[0]["name"] == "inter-session-client")
        #expect(monitors[0]["command"] == #"sh "${CLAUDE_PLUGIN_ROOT}/bin/client""#)
        #expect(monitors[0]["when"] == "on-skill-invoke:inter-session:inter-session")
    }

    @Test("the hook is a SessionStart command with a time limit")
    func hook() throws {
        let hooks = try #require(try object("hooks/hooks.json")["hooks"] as? [String: [[String: Any]]])
        #expect(Set(hooks.keys) == ["SessionStart"])
        let commands = try #require(hooks["SessionStart"]?.first?["hooks"] as? [[String: Any]])
        #expect(Set(commands[0].keys) == ["type", "command", "timeout"])
        #expect(commands[0]["type"] as? String == "command")
        #expect(commands[0]["command"] as? String == #"sh "${CLAUDE_PLUGIN_ROOT}/bin/session-start""#)
    }

    @Test("the marketplace lists the plugin at its own root")
    func marketplace() throws {
        let marketplace = try object(".claude-plugin/marketplace.json")
        #expect(Set(marketplace.keys).isSuperset(of: ["name", "owner", "plugins"]))
        let plugins = try #require(marketplace["plugins"] as? [[String: Any]])
        #expect(plugins.count == 1)
        #expect(plugins[0]["name"] as? String == "inter-session" && plugins[0]["source"] as? String == "./")
    }

    @Test("SKILL.md fits its limits and holds nothing that Claude Code would replace or run")
    func skill() throws {
        let text = try String(contentsOf: root.appending(path: "skills/inter-session/SKILL.md"), encoding: .utf8)
        #expect(text.hasPrefix("---\n"))
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 500)
        // About four characters make a token.
        #expect(text.count < 5000 * 4)
        let parts = text.split(separator: "---\n", maxSplits: 2, omittingEmptySubsequences: true)
        let description = try #require(parts[0].firstMatch(of: /(?s)description:(.*?)\n[a-z-]+:/)?.1)
        #expect(description.count > 100 && description.count < 1024)
        let body = String(parts[1])
        #expect(body.firstMatch(of: /\$([0-9]|ARGUMENTS|\{)/) == nil)
        #expect(body.firstMatch(of: /(^|\s)!`/) == nil && body.firstMatch(of: /(?m)^```!/) == nil)
        for command in [
            "connect", "install-deps", "list", "send", "broadcast", "rename", "status", "disconnect", "auto-start",
        ] {
            #expect(body.contains(command), "\(command) is taught")
        }
        #expect(body.contains("timeout_ms") && body.contains("1800000"))
    }
}
