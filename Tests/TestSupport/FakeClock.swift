import Foundation

/// A calendar that a test sets for a process, by libfaketime. Clocks that only run on are left alone.
package struct FakeClock: Sendable {
    private let file: String

    /// - Parameter offset: such as `+15d`, `-2s`, or `+0`.
    package init(in directory: String, _ offset: String = "+0") throws {
        file = "\(directory)/clock-\(UUID().uuidString.prefix(8))"
        try set(offset)
    }

    package func set(_ offset: String) throws {
        try Data(offset.utf8).write(to: URL(filePath: file))
    }

    /// What a process needs to live by it.
    package var environment: [String: String] {
        [
            "LD_PRELOAD": Need.Places.libfaketime ?? "", "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        ]
    }
}

extension TestBus {
    /// The same bus, whose servers live by that clock: a client runs the server that lies beside it.
    package func withServer(by clock: FakeClock) throws -> TestBus {
        let tools = "\(directory)/tools-\(port)"
        let files = FileManager.default
        try files.createDirectory(atPath: tools, withIntermediateDirectories: false)
        for tool in ["client", "send", "list"] {
            do {
                try files.linkItem(atPath: BuiltTools.path(tool), toPath: "\(tools)/\(tool)")
            } catch {
                try files.copyItem(atPath: BuiltTools.path(tool), toPath: "\(tools)/\(tool)")
            }
        }
        // libfaketime changes the environment of the first program that it is in, and Swift then finds no arguments: `env` is
        // the first.
        let variables = clock.environment.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
        let script = "#!/bin/sh\n\(variables) exec env '\(BuiltTools.path("server"))' \"$@\"\n"
        try Data(script.utf8).write(to: URL(filePath: "\(tools)/server"))
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(tools)/server")
        return TestBus(directory: directory, port: port, tools: tools)
    }
}
