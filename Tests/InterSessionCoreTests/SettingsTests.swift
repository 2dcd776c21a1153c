import Platform
import TestSupport
import Testing

@testable import InterSessionCore

@Suite("settings")
struct SettingsTests {
    @Test("the command line wins over the plugin's options, these over the environment, that over config.json")
    func precedence() throws {
        var environment = ["CLAUDE_PLUGIN_OPTION_PORT": "2", "INTER_SESSION_PORT": "3"]
        let configuration = Configuration(port: 4, idleShutdownMinutes: 0)
        func settings(_ port: Int? = nil, _ configuration: Configuration = configuration) throws -> BusSettings {
            try BusSettings(port: port, environment: { environment[$0] }, configuration: configuration)
        }
        #expect(try settings(1).port == 1)
        #expect(try settings().port == 2)
        environment["CLAUDE_PLUGIN_OPTION_PORT"] = nil
        #expect(try settings().port == 3)
        environment["INTER_SESSION_PORT"] = nil
        #expect(try settings().port == 4 && settings().idleShutdownMinutes == 0)
        let defaults = try settings(nil, Configuration())
        #expect(defaults.port == 9473 && defaults.idleShutdownMinutes == 10 && defaults.host == "127.0.0.1")
    }

    @Test("a setting that cannot be is refused, and no lower one takes its place")
    func refused() {
        for (name, value) in [
            ("INTER_SESSION_PORT", "0"), ("INTER_SESSION_PORT", "x"), ("INTER_SESSION_IDLE_MINUTES", "-1"),
            ("INTER_SESSION_HOST", "0.0.0.0"),
        ] {
            #expect(throws: SettingsError.self) { try BusSettings(environment: { $0 == name ? value : nil }) }
        }
    }

    @Test("config.json is read, its absence is no setting, and a broken one is an error")
    func configuration() async throws {
        try await TemporaryDirectory.with { path in
            let directory = DataDirectory(path: path)
            #expect(try Configuration.read(from: directory) == Configuration())
            let configuration = Configuration(port: 7, idleShutdownMinutes: nil)
            try configuration.write(to: directory)
            #expect(try Configuration.read(from: directory) == configuration)
            try File.replace(directory.configuration, with: #"{"port":"7"}"#.utf8)
            #expect(throws: SettingsError.self) { try Configuration.read(from: directory) }
        }
    }

    @Test("a path too long for a socket address gets a short one, for its data directory alone")
    func socketPath() {
        #expect(DataDirectory(path: "/d").socket(port: 1) == "/d/bus.1.sock")
        let long = (1...2).map { DataDirectory(path: "/\(String(repeating: "d", count: 200))\($0)").socket(port: 1) }
        #expect(long[0] != long[1])
        #expect(long.allSatisfy { $0.utf8.count <= UnixSocket.longestPath && $0.hasSuffix("/bus.1.sock") })
    }

    @Test("waiting doubles from 0.25 s to 4 s, 20 % more or less, and begins again after a success")
    func backoff() {
        var backoff = Backoff.reconnect
        func check(_ expected: [Double]) {
            for seconds in expected {
                let wait = backoff.next() / .seconds(1)
                #expect((seconds * 0.8...seconds * 1.2).contains(wait))
            }
        }
        check([0.25, 0.5, 1, 2, 4, 4, 4])
        backoff = .reconnect
        check([0.25, 0.5])
    }

    @Test("a child gets the variables that it needs, and none of a harness or with a secret")
    func childEnvironment() {
        let given = [
            "HOME", "PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "LANG", "LANGUAGE", "LC_ALL", "TZ",
            "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "INTER_SESSION_DATA_DIR", "INTER_SESSION_PORT",
        ]
        let kept = [
            "CLAUDE_CODE_SESSION_ID", "CLAUDECODE", "CLAUDE_PLUGIN_ROOT", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL",
            "CODEX_HOME", "OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES", "INTER_SESSION_TOKEN", "XDG_SOME_KEY", "PATHS", "MY_HOME",
        ]
        let all = Dictionary(uniqueKeysWithValues: (given + kept).map { ($0, "x") })
        #expect(Environment.forChild(of: all).keys.sorted() == given.sorted())
    }
}
