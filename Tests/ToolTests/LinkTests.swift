import Foundation
import TestSupport
import Testing

/// Links that somebody has put where files of ours are expected.
@Suite("links")
struct LinkTests {
    /// What the victim holds: where one of ours would show something of it, had it been read.
    private static func content(of name: String, _ bus: TestBus) -> String {
        switch name {
        case "config.json": #"{"port":\#(bus.port),"trusted_agents":["precious"]}"#
        case "clients/1.session":
            #"{"session_id":"precious","name":"precious","nonce":"n","listener_pid":1,"host":"127.0.0.1","port":\#(bus.port)}"#
        case "gateways/a.owner": #"{"agent":"a","host":"precious","pid":1}"#
        case "messages.log", "bus/messages.log": #"{"msg_id":"aaaaaaaaaa","from_name":"precious","text":"precious"}"#
        default: "precious-precious-precious-precious-precious"
        }
    }

    /// What a file is, its links not followed.
    private struct Identity: Equatable {
        let number: UInt64
        let isLink: Bool
        let names: Int
        let mode: Int

        init?(_ path: String) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
            number = (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0
            isLink = attributes[.type] as? FileAttributeType == .typeSymbolicLink
            names = (attributes[.referenceCount] as? NSNumber)?.intValue ?? 0
            mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        }
    }

    @Test(
        "a link in place of a file of ours is named or replaced, and nothing is written through it or read from it",
        arguments: [
            "token", "messages.log", "config.json", "mail.sqlite", "bus/messages.log", "bus/mail.sqlite",
            "bus/mail.sqlite-wal", "server.log", "clients/1.session",
            "clients/1.lock", "clients/1.port.printed", "gateways/a.lock", "gateways/a.owner",
        ],
        [true, false]
    )
    func links(name: String, isSymbolic: Bool) async throws {
        try await TestBus.with { bus in
            let files = FileManager.default
            for place in ["clients", "gateways", "bus.\(bus.port)"] {
                try files.createDirectory(atPath: "\(bus.data)/\(place)", withIntermediateDirectories: true)
            }
            let victim = "\(bus.directory)/victim"
            let content = Self.content(of: name, bus)
            try Data(content.utf8).write(to: URL(filePath: victim))
            try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: victim)
            // Where the bus on this port has them.
            let name = name.replacing("bus/", with: "bus.\(bus.port)/").replacing("port", with: "\(bus.port)")
            let path = "\(bus.data)/\(name)"
            if isSymbolic {
                try files.createSymbolicLink(atPath: path, withDestinationPath: victim)
            } else {
                try files.linkItem(atPath: victim, toPath: path)
            }
            let link = try #require(Identity(path))

            let client = try bus.start("client", "--name", "alpha", key: 1)
            // One that could not get on has left no state to find it by.
            defer { client.signal(SIGKILL) }
            _ = try await eventually("the client to get on or to say why not") {
                client.isRunning && !client.output.contains("connected as") && !client.output.contains("cannot")
                    && !client.output.contains("did not start") ? nil : ()
            }
            var said = try await [
                bus.run("send", "--all", key: 1, input: "x"), bus.run("list", "--self", key: 1),
                bus.run("whoami", key: 1), bus.run("log", key: 1), bus.run("inbox", "--name", "c", key: 3),
            ]
            .map { $0.output + $0.errors }
            let gateway = try bus.start(
                "gateway",
                ["--agent", "a", "--transport", "stdio", "--idle-seconds", "1"],
                key: 9
            )
            try await gateway.exitCode()
            said += [client.output, client.errors, gateway.output, gateway.errors]

            #expect(try String(contentsOfFile: victim, encoding: .utf8) == content)
            #expect(Identity(victim)?.mode == 0o644, "its mode is its owner's")
            for text in said { #expect(!text.contains("precious"), "read from the link: \(text)") }
            if Identity(path)?.number == link.number {
                // Left alone, and whoever found it says so.
                #expect(Identity(path)?.isLink == isSymbolic)
                let base = try #require(name.split(separator: "/").last)
                let complaint = said.first { $0.contains("\(base)'") && ($0.contains("link")) }
                #expect(complaint != nil, "nobody names \(name): \(said)")
            } else if let ours = Identity(path) {
                // Replaced by one of ours, which is nobody else's.
                #expect(!ours.isLink && ours.names == 1 && ours.mode & 0o077 == 0)
            }
            // And no copy of it is anywhere. What was put aside is the link itself.
            for file in try #require(files.enumerator(atPath: bus.data)).compactMap({ $0 as? String }) {
                let place = "\(bus.data)/\(file)"
                guard let identity = Identity(place), !identity.isLink, identity.number != Identity(victim)?.number,
                    let bytes = try? Data(contentsOf: URL(filePath: place))
                else { continue }
                #expect(bytes.range(of: Data("precious".utf8)) == nil, "\(file) has a copy of it")
            }
        }
    }
}
