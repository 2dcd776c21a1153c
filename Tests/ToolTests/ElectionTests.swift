import Foundation
import TestSupport
import Testing

@Suite("election")
struct ElectionTests {
    @Test("twenty clients started at once end with one server, all connected, no error")
    func twenty() async throws {
        try await TestBus.with { bus in
            let clients = try (1...20).map { try bus.start("client", "--name", "agent-\($0)", key: $0) }
            for client in clients {
                try await client.line(containing: "connected as")
                #expect(client.lines.count == 1 && client.errors.isEmpty)
            }
            #expect(try bus.serverProcesses().count == 1)
            let list = try await bus.run("list", "--json", key: 3)
            let sessions = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
            #expect(Set(sessions?.compactMap { $0["name"] as? String } ?? []).count == 20)
        }
    }

    @Test("when the server is killed its clients come back under their names, with one new server")
    func takeover() async throws {
        try await TestBus.with { bus in
            var clients: [RunningTool] = []
            for key in 1...5 { clients.append(try await bus.connect("agent-\(key)", key: key)) }
            let old = try #require(bus.serverProcessID)
            kill(old, SIGKILL)
            let names = try await eventually("all five to be back") { () -> [String]? in
                guard let new = bus.serverProcessID, new != old else { return nil }
                let list = try await bus.run("list", "--json", key: 1)
                guard list.code == 0 else { return nil }
                let sessions = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
                let names = sessions?.compactMap { $0["name"] as? String } ?? []
                return names.count == 5 ? names.sorted() : nil
            }
            #expect(names == (1...5).map { "agent-\($0)" })
            #expect(try bus.serverProcesses().count == 1)
            #expect(try await bus.run("send", "--to", "agent-2", "--text", "again", key: 1).code == 0)
            try await clients[1].line(containing: "again")
            for client in clients { #expect(client.output.contains("connected as") && client.errors.isEmpty) }
        }
    }

    @Test("the server's files are private, name it, and go with it")
    func identity() async throws {
        try await TestBus.with { bus in
            let client = try await bus.connect("alpha", key: 1)
            let server = try #require(bus.serverProcessID)
            let meta = try JSONSerialization.jsonObject(with: Data(bus.file("server.\(bus.port).pid.meta").utf8))
            #expect((meta as? [String: Any])?["pid"] as? Int == Int(server))
            #expect((meta as? [String: Any])?["port"] as? Int == bus.port)
            let manager = FileManager.default
            for case let name as String in try #require(manager.enumerator(atPath: bus.data)) {
                let attributes = try manager.attributesOfItem(atPath: "\(bus.data)/\(name)")
                let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
                #expect(attributes[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(name)")
            }
            #expect(bus.file("token").utf8.count >= 43)
            // A client that is left would start the next server.
            client.signal(SIGTERM)
            try await client.exitCode()
            kill(server, SIGTERM)
            try await eventually("the files to go") {
                bus.file("server.\(bus.port).pid").isEmpty && bus.file("server.\(bus.port).pid.meta").isEmpty ? () : nil
            }
        }
    }

    @Test("a second server for a port says that there is one")
    func secondServer() async throws {
        try await TestBus.with { bus in
            _ = try await bus.connect("alpha", key: 1)
            let run = try await bus.run("server")
            #expect(run.code == 1 && run.errors.contains("a server is running on port \(bus.port) already"))
        }
    }

    @Test("a data directory whose path is too long for a socket address works")
    func longPath() async throws {
        try await TestBus.with { bus in
            let long = "\(bus.directory)/\(String(repeating: "d", count: 120))"
            let environment = ["INTER_SESSION_DATA_DIR": long]
            let alpha = try bus.start("client", ["--name", "alpha"], key: 1, environment: environment)
            try await alpha.line(containing: "connected as")
            let list = try bus.start("list", [], key: 1, environment: environment)
            #expect(try await list.exitCode() == 0)
            #expect(list.output.contains("alpha"))
            alpha.signal(SIGTERM)
            try await alpha.exitCode()
        }
    }

    @Test("a token that is a link is refused")
    func tokenLink() async throws {
        try await TestBus.with { bus in
            try FileManager.default.createDirectory(atPath: bus.data, withIntermediateDirectories: false)
            try "x".write(toFile: "\(bus.directory)/elsewhere", atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(
                atPath: "\(bus.data)/token",
                withDestinationPath: "\(bus.directory)/elsewhere"
            )
            let run = try await bus.run("server")
            #expect(run.code == 1 && run.errors.contains("token"))
        }
    }
}
