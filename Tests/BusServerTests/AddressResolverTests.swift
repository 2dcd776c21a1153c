import InterSessionCore
import Platform
import Testing

@testable import BusServer

@Suite("addresses")
struct AddressResolverTests {
    /// Sessions alpha, alphabet, beta and one whose name is the beginning of another's id; `me` asks.
    @Test(
        "exact id, exact name, unique name prefix, unique id prefix of four: in this order",
        arguments: [
            ("id-alpha", "alpha"), ("alpha", "alpha"), ("alphab", "alphabet"), ("b", "beta"), ("id-b", "beta"),
            // A name wins over the id that it is the beginning of.
            ("id-alp", "id-alp"),
        ]
    )
    func resolved(target: String, name: String) async throws {
        try await MemoryBus.with { bus in
            for name in ["alpha", "alphabet", "beta", "id-alp"] { _ = try await bus.join(name) }
            let me = try await bus.join("me")
            try await me.send(#"{"op":"send","to":"\#(target)","text":"x"}"#)
            try await me.expectSilence()
            let record = String(decoding: try File.read(bus.messageLog), as: UTF8.self)
            #expect(record.contains(#""to":"\#(name)""#))
        }
    }

    @Test(
        "several matches are ambiguous and named, none is unknown",
        arguments: [
            ("alp", "ambiguous", ["alpha", "alphabet"]), ("id-alpha", "", []), ("id-", "unknown_peer", []),
            ("id-al", "ambiguous", ["alpha", "alphabet"]), ("zeta", "unknown_peer", []), ("Alpha", "unknown_peer", []),
        ]
    )
    func refused(target: String, code: String, matches: [String]) async throws {
        try await MemoryBus.with { bus in
            for name in ["alpha", "alphabet"] { _ = try await bus.join(name) }
            let me = try await bus.join("me")
            try await me.send(#"{"op":"send","to":"\#(target)","text":"x"}"#)
            guard !code.isEmpty else { return try await me.expectSilence() }
            let error = try await me.expectError(code)
            #expect(try error.strings("matches") ?? [] == matches)
        }
    }

    @Test("a prefix that the sender shares with one other means the other")
    func ownPrefix() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            let second = try await bus.join("alpha-2")
            try await alpha.expect("peer_joined")
            try await alpha.send(#"{"op":"send","to":"al","text":"x"}"#)
            try await second.expect("msg")
        }
    }

    @Test("an id means its session, also while that is away and another is here under the id as its name")
    func idAsName() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha")
            try await alpha.leave()
            let impostor = try await bus.join("id-alpha")
            let me = try await bus.join("me", features: "receipts acks hold")
            let sent = try await me.message("x", to: "id-alpha")
            #expect(try sent.string("to") == "alpha")
            #expect(try sent.string("state") == "queued")
            try await impostor.expect("peer_joined")
            try await impostor.expectSilence()
        }
    }
}
