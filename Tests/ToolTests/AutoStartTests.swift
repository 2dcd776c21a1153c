import Foundation
import TestSupport
import Testing

@Suite("auto-start")
struct AutoStartTests {
    private static let off = "on-skill-invoke:inter-session:inter-session"

    /// A plugin whose monitors.json is `text`, and what the tool makes of it.
    private func withPlugin(
        _ text: String?,
        _ body: (_ run: (String) async throws -> ToolRun, _ read: () throws -> String) async throws -> Void
    ) async throws {
        try await TestBus.with { bus in
            let root = "\(bus.directory)/plugin"
            let file = "\(root)/monitors/monitors.json"
            try FileManager.default.createDirectory(atPath: "\(root)/monitors", withIntermediateDirectories: true)
            try text?.write(toFile: file, atomically: false, encoding: .utf8)
            try await body(
                { argument in
                    let tool = try bus.start(
                        "auto-start",
                        [argument],
                        environment: ["CLAUDE_PLUGIN_ROOT": root, "INTER_SESSION_ROOT": root]
                    )
                    return try await tool.finished()
                },
                { try String(contentsOfFile: file, encoding: .utf8) }
            )
        }
    }

    @Test("on and off change one value and keep every other byte")
    func oneValue() async throws {
        func text(_ when: String) -> String {
            """
            [ {"when" : "always", "name":"other", "note": "\\u00e9 /"},
              { "description":"x",  "when" :"\(when)" ,
                "name": "inter-session-client", "b": [1.50, 2e3] } ]

            """
        }
        try await withPlugin(text(Self.off)) { run, read in
            #expect(try await run("--status").output == "auto-start is off\n")
            let on = try await run("--on")
            #expect(on.code == 0 && on.output.contains("/reload-plugins"))
            let turnedOn = try read()
            #expect(turnedOn == text("always"))
            #expect(try await run("--status").output == "auto-start is on\n")
            #expect(try await run("--on").output == "auto-start is on already\n")
            #expect(try await run("--off").code == 0)
            let changed = try read()
            #expect(changed == text(Self.off))
        }
    }

    @Test("the short name of the skill is off too, and is turned on")
    func shortName() async throws {
        let text = #"[{"name":"inter-session-client","when":"on-skill-invoke:inter-session"}]"#
        try await withPlugin(text) { run, read in
            #expect(try await run("--status").output == "auto-start is off\n")
            #expect(try await run("--on").code == 0)
            let changed = try read()
            #expect(changed == #"[{"name":"inter-session-client","when":"always"}]"#)
        }
    }

    @Test("a monitor without when starts always, and gets one")
    func noWhen() async throws {
        try await withPlugin(#"[{"name":"inter-session-client"}]"#) { run, read in
            #expect(try await run("--status").output == "auto-start is on\n")
            #expect(try await run("--off").code == 0)
            let changed = try read()
            #expect(changed == #"[{"name":"inter-session-client", "when": "\#(Self.off)"}]"#)
        }
    }

    @Test("a file that cannot be used is named and left alone", arguments: ["[", "[]", "{}", #"[{"name":7}]"#])
    func broken(text: String) async throws {
        try await withPlugin(text) { run, read in
            let result = try await run("--on")
            #expect(result.code == 1 && result.errors.contains("monitors.json"))
            let changed = try read()
            #expect(changed == text)
        }
    }

    @Test("a skill installed alone has nothing to toggle")
    func standalone() async throws {
        try await withPlugin(nil) { run, _ in
            let result = try await run("--on")
            #expect(result.code == 0 && result.output.contains("nothing to toggle"))
        }
    }

    @Test("one action is needed")
    func usage() async throws {
        try await TestBus.with { bus in
            let none = try await bus.run("auto-start")
            let both = try await bus.run("auto-start", "--on", "--off")
            #expect(none.code == 64 && both.code == 64)
        }
    }
}
