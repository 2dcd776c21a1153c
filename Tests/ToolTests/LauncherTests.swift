import Foundation
import InterSessionCore
import TestSupport
import Testing

@Suite("launchers")
struct LauncherTests {
    private let manager = FileManager.default
    private let bin = BuiltTools.packageRoot.appending(path: "bin")

    /// A copy of bin/ in a root of its own, with `built` tools that print their own path and arguments.
    private func withRoot(
        _ body: (_ root: String, _ run: ([String], [String: String]) async throws -> ToolRun) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            let root = "\(directory)/a 'root'"
            try manager.createDirectory(atPath: root, withIntermediateDirectories: false)
            try manager.copyItem(atPath: bin.path, toPath: "\(root)/bin")
            try await body(root) { words, environment in
                var all = ["PATH": "/usr/bin:/bin", "INTER_SESSION_DATA_DIR": "\(directory)/data"]
                all.merge(environment) { $1 }
                let tool = try RunningTool(words[0], Array(words.dropFirst()), environment: all, in: directory)
                return try await tool.finished()
            }
        }
    }

    private func place(_ tool: String, in directory: String) throws {
        try manager.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try "#!/bin/sh\necho \"$0 $INTER_SESSION_ROOT $*\"\n".write(
            toFile: "\(directory)/\(tool)",
            atomically: false,
            encoding: .utf8
        )
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(directory)/\(tool)")
    }

    @Test("the first place that has the tool wins: LIBEXEC, the data directory, the build")
    func places() async throws {
        try await withRoot { root, run in
            let data = "\(root)/../data"
            let libexec = "\(root)/libexec"
            for directory in ["\(root)/.build/release", "\(data)/libexec/\(InterSession.version)", libexec] {
                try place("send", in: directory)
                let run = try await run(
                    ["\(root)/bin/send", "a b"],
                    ["INTER_SESSION_LIBEXEC": libexec, "INTER_SESSION_DATA_DIR": data]
                )
                #expect(run.output == "\(directory)/send \(root) a b\n", "\(run.errors)")
            }
        }
    }

    @Test("it is found through links and run through sh without its execute bit")
    func linksAndBits() async throws {
        try await withRoot { root, run in
            try place("send", in: "\(root)/.build/release")
            try manager.createSymbolicLink(atPath: "\(root)/elsewhere", withDestinationPath: "\(root)/bin/send")
            #expect(try await run(["\(root)/elsewhere", "x"], [:]).output.hasSuffix("/send \(root) x\n"))
            try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(root)/bin/launcher")
            #expect(try await run(["/bin/sh", "\(root)/bin/send", "x"], [:]).output.hasSuffix("/send \(root) x\n"))
        }
    }

    @Test("with nothing installed the client says so and succeeds; every other tool fails with a sentence")
    func nothingInstalled() async throws {
        try await withRoot { root, run in
            let client = try await run(["\(root)/bin/client"], [:])
            #expect(client.code == 0 && client.errors.isEmpty)
            #expect(client.output == "[inter-session] dependencies missing: run /inter-session install-deps\n")
            for tool in BuiltTools.names where !["client", "install-deps"].contains(tool) {
                let other = try await run(["\(root)/bin/\(tool)"], [:])
                #expect(other.code == 1 && other.output.isEmpty && other.errors.contains("install-deps"))
            }
            let check = try await run(["\(root)/bin/install-deps", "--check"], [:])
            #expect(check.code == 1 && check.output.contains("not installed"))
        }
    }

    @Test("every tool has a launcher, of the version of the tools")
    func everyTool() throws {
        for tool in BuiltTools.names {
            #expect(try manager.destinationOfSymbolicLink(atPath: bin.appending(path: tool).path) == "launcher")
        }
        let launcher = try String(contentsOf: bin.appending(path: "launcher"), encoding: .utf8)
        #expect(launcher.contains("\nversion=\(InterSession.version) "))
        let skill = BuiltTools.packageRoot.appending(path: "skills/inter-session/bin").path
        #expect(try manager.destinationOfSymbolicLink(atPath: skill) == "../../bin")
    }
}
