import Foundation
import TestSupport
import Testing

@Suite("list")
struct ListTests {
    @Test("the table's columns line up, wide characters and long directories included")
    func table() async throws {
        try await TestBus.with { bus in
            let deep = "\(bus.directory)/\(String(repeating: "deep/", count: 12))end"
            try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
            let wide = try bus.start("client", ["--name", "wide", "--label", "日本語 😀"], key: 1, workingDirectory: deep)
            try await wide.line(containing: "connected as")
            _ = try await bus.connect("narrow", key: 2)
            let lines = try await bus.run("list", key: 1).output.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines[0].split(separator: " ") == ["NAME", "LABEL", "CWD", "SINCE", "ID"])
            #expect(lines[2].contains("…") && lines[2].contains("/end"))
            // 日本語 takes six columns and 😀 two, with five and one less characters than columns.
            let column = try #require(lines[0].range(of: "CWD")).lowerBound.utf16Offset(in: lines[0])
            #expect(
                lines[2].distance(from: lines[2].startIndex, to: try #require(lines[2].firstIndex(of: "…"))) == column
                    - 4
            )
        }
    }

    @Test("--json is one array with what the protocol gives")
    func json() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", "--label", "L", key: 1)
            let output = try await bus.run("list", "--json", key: 1).output
            let sessions = try #require(
                try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: String]]
            )
            #expect(sessions.count == 1)
            #expect(Set(sessions[0].keys) == ["session_id", "name", "label", "cwd", "since"])
            #expect(sessions[0]["name"] == "alpha" && sessions[0]["label"] == "L")
        }
    }

    @Test("--self tells where this session is")
    func ownStatus() async throws {
        try await TestBus.with { bus in
            #expect(try await bus.run("list", "--self", key: 1).output == "not connected\n")
            let client = try await bus.connect("alpha", key: 1)
            let status = try await bus.run("list", "--self", key: 1).output
            #expect(status.hasPrefix("name=alpha session_id="))
            #expect(status.hasSuffix(" listener_pid=\(client.processID) host=127.0.0.1 port=\(bus.port)\n"))
        }
    }

    @Test("what a killed client left is cleaned up")
    func deadListener() async throws {
        try await TestBus.with { bus in
            let client = try await bus.connect("alpha", key: 1)
            client.signal(SIGKILL)
            try await client.exitCode()
            #expect(!bus.file("clients/1.session").isEmpty)
            #expect(try await bus.run("list", "--self", key: 1).output == "not connected\n")
            #expect(bus.file("clients/1.session").isEmpty)
        }
    }
}
