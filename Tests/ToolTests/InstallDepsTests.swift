import Foundation
import InterSessionCore
import Platform
import TestSupport
import Testing

@Suite("install-deps")
struct InstallDepsTests {
    private static let tools = BuiltTools.names

    private func run(_ bus: TestBus, _ arguments: [String], _ environment: [String: String] = [:]) async throws
        -> ToolRun
    {
        let tool = try bus.start("install-deps", arguments, environment: environment)
        return try await tool.finished()
    }

    /// A release of the tools that were built with these tests.
    private func release(_ bus: TestBus, without missing: String? = nil) async throws -> String {
        let tarball = "\(bus.directory)/release.tar"
        let programs = ["server", "client", "install-deps"].filter { (name: String) in name != missing }
        let tar = try RunningTool(
            "/usr/bin/env",
            ["tar", "-chf", tarball, "-C", BuiltTools.directory.path] + programs,
            environment: ProcessInfo.processInfo.environment,
            in: bus.directory
        )
        // 1: a file changed while it was read, such as by another test that gave it a second name.
        #expect([0, 1].contains(try await tar.exitCode()))
        return tarball
    }

    @Test("a release is unpacked, tested with two sessions, and found by --check and the launchers")
    func fromTarball() async throws {
        try await TestBus.with { bus in
            #expect(try await run(bus, ["--check"]).code == 1)
            let install = try await run(bus, ["--yes", "--from", try await release(bus)])
            #expect(install.code == 0, "\(install.errors)")
            #expect(install.output.contains("installed 0.2.0 in \(bus.data)/libexec/0.2.0"))
            #expect(install.output.contains(/alpha -> beta in \d+\.\d ms: \[inter-session msg=/))
            #expect(install.output.contains(/beta -> alpha in \d+\.\d ms: \[inter-session msg=/))

            let check = try await run(bus, ["--check"])
            #expect(check.code == 0)
            for tool in Self.tools { #expect(check.output.contains("\(tool): 0.2.0")) }
            // A program under many names takes its space once: the server, what stays, and what ends.
            let files = try Self.tools.map { tool in
                try FileManager.default.attributesOfItem(atPath: "\(bus.data)/libexec/0.2.0/\(tool)")[.systemFileNumber]
                    as? Int
            }
            #expect(Set(files).count == 3)
            let list = try RunningTool(
                "/bin/sh",
                [BuiltTools.packageRoot.appending(path: "bin/list").path, "--self"],
                environment: bus.environment(key: 1),
                in: bus.directory
            )
            #expect(try await list.exitCode() == 0)
            #expect(list.output == "not connected\n")

            // Again over it, and away.
            #expect(try await run(bus, ["--yes", "--from", try await release(bus)]).code == 0)
            let entries = try FileManager.default.contentsOfDirectory(atPath: "\(bus.data)/libexec")
            #expect(entries.count == 2, "the link and one directory: \(entries)")
            #expect(
                try await run(bus, ["--uninstall", "--yes"]).output
                    == "This will remove \(bus.data)/libexec\nremoved \(bus.data)/libexec\n"
            )
            #expect(try await run(bus, ["--check"]).code == 1)
        }
    }

    @Test("what fails leaves the earlier installation in use")
    func failures() async throws {
        try await TestBus.with { bus in
            #expect(try await run(bus, ["--yes", "--from", try await release(bus)]).code == 0)
            let incomplete = try await run(bus, ["--yes", "--from", try await release(bus, without: "server")])
            #expect(incomplete.code == 1 && incomplete.errors.contains("has no 'server'"))
            let missing = try await run(bus, ["--yes", "--from", "\(bus.directory)/none.tar"])
            #expect(missing.code == 1)

            // A toolchain whose build fails.
            let path = "\(bus.directory)/path"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try "#!/bin/sh\nexit 7\n".write(toFile: "\(path)/swift", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(path)/swift")
            let environment = [
                "PATH": "\(path):/usr/bin:/bin", "INTER_SESSION_ROOT": BuiltTools.packageRoot.path,
            ]
            let build = try await run(bus, ["--yes"], environment)
            #expect(build.code == 1 && build.errors.contains("ended with 7"))
            #expect(build.output.contains("swift build --package-path"))
            #expect(try await run(bus, ["--check"]).code == 0)
            let entries = try FileManager.default.contentsOfDirectory(atPath: "\(bus.data)/libexec")
            #expect(entries.count == 2, "nothing half-made is left: \(entries)")
        }
    }

    @Test("a release that reaches outside its directory is not unpacked")
    func hostileTarball() async throws {
        try await TestBus.with { bus in
            let tarball = "\(bus.directory)/hostile.tar"
            try FileManager.default.createSymbolicLink(
                atPath: "\(bus.directory)/server",
                withDestinationPath: "/etc/passwd"
            )
            let tar = try RunningTool(
                "/usr/bin/env",
                ["tar", "-cf", tarball, "-C", bus.directory, "server"],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            #expect(try await tar.exitCode() == 0)
            let run = try await run(bus, ["--yes", "--from", tarball])
            #expect(run.code == 1 && run.errors.contains("nothing was unpacked"))
        }
    }

    @Test("without a toolchain it says how to get one, and the other way")
    func noToolchain() async throws {
        try await TestBus.with { bus in
            let path = "\(bus.directory)/empty"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            let environment = ["PATH": path, "INTER_SESSION_ROOT": BuiltTools.packageRoot.path]
            let run = try await run(bus, ["--yes"], environment)
            #expect(run.code == 1)
            #expect(run.errors.contains("https://www.swift.org/install/") && run.errors.contains("--from"))
        }
    }

    /// A directory for PATH that holds these scripts alone.
    private func programs(_ bus: TestBus, scripts: [String: String]) throws -> String {
        let path = "\(bus.directory)/programs"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        for (name, text) in scripts {
            try "#!/bin/sh\n\(text)\n".write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(path)/\(name)")
        }
        return path
    }

    @Test("what the system lacks is named with its commands, and installed once that is allowed")
    func requirements() async throws {
        try await TestBus.with { bus in
            let git = "\(bus.directory)/programs/git"
            let apt = #"echo "apt: $*"; if [ "$1" = install ]; then /bin/ln -s /bin/sh '\#(git)'; fi"#
            let path = try programs(
                bus,
                scripts: ["swift": "exit 7", "cc": "exit 0", "apt-get": apt, "sudo": #"exec "$@""#]
            )
            let environment = ["PATH": path, "INTER_SESSION_ROOT": BuiltTools.packageRoot.path]
            let asked = try await run(bus, [], environment)
            #expect(asked.code == 1 && asked.output.contains("apt-get install -y git"))
            #expect(!asked.output.contains("apt: "))

            let allowed = try await run(bus, ["--yes"], environment)
            #expect(allowed.output.contains("apt: update\napt: install -y git\n"))
            #expect(allowed.code == 1 && allowed.errors.contains("ended with 7"), "the build came after it")
        }
    }

    @Test("a package manager that fails, or none, is said")
    func unmetRequirements() async throws {
        try await TestBus.with { bus in
            let path = try programs(bus, scripts: ["swift": "exit 7"])
            let environment = ["PATH": path, "INTER_SESSION_ROOT": BuiltTools.packageRoot.path]
            let run = try await run(bus, ["--yes"], environment)
            #expect(run.code == 1 && run.errors.contains("the program 'git' is missing"))
        }
    }

    @Test("a session that fails the self-test is ended, and so is the server", arguments: ["alpha", "beta"])
    func failedSelfTest(hanging: String) async throws {
        try await TestBus.with { bus in
            // Says something and closes its output, but stays.
            let script = """
                #!/bin/sh
                if [ "$1" = --version ]; then echo 0.2.0; exit; fi
                case $0 in */client) ;; *) exec "\(BuiltTools.directory.path)/${0##*/}" "$@" ;; esac
                echo $$ >> '\(bus.directory)/started'
                if [ "$2" = \(hanging) ]; then echo 'I cannot'; exec sleep 600 >/dev/null; fi
                exec '\(BuiltTools.path("client"))' "$@"

                """
            let folder = "\(bus.directory)/release"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try FileManager.default.copyItem(atPath: BuiltTools.path("server"), toPath: "\(folder)/server")
            for program in ["client", "install-deps"] {
                try script.write(toFile: "\(folder)/\(program)", atomically: false, encoding: .utf8)
            }
            let tar = try RunningTool(
                "/usr/bin/env",
                ["tar", "-cf", "\(folder).tar", "-C", bus.directory, "release"],
                environment: ProcessInfo.processInfo.environment,
                in: bus.directory
            )
            #expect(try await tar.exitCode() == 0)

            // Its own place for temporary files shows what is left there.
            let temporary = try FileManager.default.url(
                for: .itemReplacementDirectory,
                in: .userDomainMask,
                appropriateFor: URL(filePath: bus.directory),
                create: true
            )
            let run = try await run(bus, ["--yes", "--from", "\(folder).tar"], ["TMPDIR": temporary.path])
            #expect(run.code == 1 && run.errors.contains("\(hanging) waits for 'connected as' (I cannot)"))
            let started = try String(contentsOfFile: "\(bus.directory)/started", encoding: .utf8)
            let clients = started.split(separator: "\n").compactMap { Int32($0) }
            #expect(!clients.isEmpty)
            for client in clients { #expect(!SystemProcess.isAlive(client)) }
            let processes = try RunningTool(
                "/bin/ps",
                ["-axww", "-o", "args="],
                environment: [:],
                in: bus.directory
            )
            #expect(try await processes.exitCode() == 0)
            #expect(!processes.output.contains("\(bus.data)/libexec/"), "the staged server has left")
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bus.data)/libexec").isEmpty)
            try FileManager.default.removeItem(at: temporary)
        }
    }

    @Test("two installations at once do not sweep each other away")
    func oneAtATime() async throws {
        try await TestBus.with { bus in
            try FileManager.default.createDirectory(atPath: bus.data, withIntermediateDirectories: true)
            let lock = try #require(try FileLock.tryLock("\(bus.data)/install.lock"))
            let release = try await release(bus)
            let second = try await run(bus, ["--yes", "--from", release])
            #expect(second.code == 1 && second.errors.contains("another install-deps is at work"))
            withExtendedLifetime(lock) {}
        }
    }

    @Test("nothing is done without consent")
    func consent() async throws {
        try await TestBus.with { bus in
            let run = try await run(bus, ["--from", try await release(bus)])
            #expect(run.code == 1 && run.errors.contains("--yes"))
            #expect(!FileManager.default.fileExists(atPath: "\(bus.data)/libexec"))
        }
    }
}
