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

    @Test("a when of null counts as none, and is replaced")
    func nullWhen() async throws {
        try await withPlugin(#"[{"name":"inter-session-client","when":null}]"#) { run, read in
            #expect(try await run("--status").output == "auto-start is on\n")
            #expect(try await run("--off").code == 0)
            let changed = try read()
            #expect(changed == #"[{"name":"inter-session-client","when":"\#(Self.off)"}]"#)
        }
    }

    @Test("a file that is not UTF-8 is refused rather than mended")
    func invalidText() async throws {
        try await TestBus.with { bus in
            let root = "\(bus.directory)/plugin"
            let file = URL(filePath: "\(root)/monitors/monitors.json")
            try FileManager.default.createDirectory(atPath: "\(root)/monitors", withIntermediateDirectories: true)
            let bytes = Data(#"[{"name":"inter-session-client","note":""#.utf8) + [0xFF] + Data(#""}]"#.utf8)
            try bytes.write(to: file)
            let tool = try bus.start("auto-start", ["--off"], environment: ["INTER_SESSION_ROOT": root])
            let run = try await tool.finished()
            #expect(run.code == 1 && run.errors.contains("not UTF-8"))
            let after = try Data(contentsOf: file)
            #expect(after == bytes)
        }
    }

    @Test("CLAUDE_PLUGIN_ROOT that leaked from another plugin is passed over, and its file left alone")
    func foreignRoot() async throws {
        try await TestBus.with { bus in
            let foreign = #"[{"name":"other","when":"always"}]"#
            let own = #"[{"name":"inter-session-client","when":"always"}]"#
            var roots: [String] = []
            for (name, text) in [("foreign", foreign), ("own", own)] {
                let root = "\(bus.directory)/\(name)"
                try FileManager.default.createDirectory(atPath: "\(root)/monitors", withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(filePath: "\(root)/monitors/monitors.json"))
                roots.append(root)
            }
            let environment = ["CLAUDE_PLUGIN_ROOT": roots[0], "INTER_SESSION_ROOT": roots[1]]
            let run = try await bus.start("auto-start", ["--off"], environment: environment).finished()
            #expect(run.code == 0, "\(run.errors)")
            let after = try roots.map { try String(contentsOfFile: "\($0)/monitors/monitors.json", encoding: .utf8) }
            #expect(after == [foreign, own.replacing("always", with: Self.off)])
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
