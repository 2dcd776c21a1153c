import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// Mail that a gateway gives up: whoever has its sender's mailbox now is told.
@Suite("mail that is given back")
struct GivenBackTests {
    private static let features = "receipts hold notices acks"

    private func giveBack(_ gateway: MemoryPeer, _ id: String) async throws {
        try await gateway.send(#"{"op":"return","msg_id":"\#(id)","reason":"no spool"}"#)
    }

    @Test("its sender is told that came again under its name with another id")
    func newID() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: Self.features)
            let id = try await alpha.message("x", to: "x@b").requiredString("msg_id")
            try await gateway.find("msg")
            try await alpha.leave()
            try await comeAgain(bus, gateway, id)
        }
    }

    @Test("it is told also when the server was another one then")
    func newServer() async throws {
        try await TemporaryDirectory.with { path in
            try await MemoryBus.with(path) { bus in
                let gateway = try await bus.gateway("a", knows: "b")
                let alpha = try await bus.join("alpha", features: Self.features)
                try await alpha.message("x", to: "x@b")
                try await gateway.find("msg")
                try await alpha.leave()
                let other = try await bus.connect(isLocalUser: true)
                try await other.send(#"{"op":"hello","role":"agent","session_id":"other","name":"alpha"}"#)
                try await other.expect("welcome")
                try await other.leave()
            }
            try await MemoryBus.with(path) { bus in
                let gateway = try await bus.gateway("a", knows: "b", mail: 1)
                try await comeAgain(bus, gateway, try await gateway.find("msg").requiredString("msg_id"))
            }
        }
    }

    private func comeAgain(_ bus: MemoryBus, _ gateway: MemoryPeer, _ id: String) async throws {
        let other = try await bus.connect(isLocalUser: true)
        try await other.send(
            #"{"op":"hello","role":"agent","session_id":"other","name":"alpha","features":["notices","acks"]}"#
        )
        try await other.expect("welcome")
        try await giveBack(gateway, id)
        // Whoever was told to come and go before it hears the pong when all that it sent is done.
        try await gateway.send(#"{"op":"ping"}"#)
        try await gateway.find("pong")
        try await other.send(#"{"op":"ping"}"#)
        #expect(try await other.find("notice").string("text")?.contains(id) == true)
    }

    @Test("the heir of the name that it had last is told, and not who has its first name now")
    func heir() async throws {
        try await MemoryBus.with { bus in
            let gateway = try await bus.gateway("a", knows: "b")
            let alpha = try await bus.join("alpha", features: Self.features)
            let id = try await alpha.message("x", to: "x@b").requiredString("msg_id")
            try await gateway.find("msg")
            try await alpha.send(#"{"op":"rename","name":"gamma"}"#)
            try await alpha.find("renamed")
            try await alpha.leave()
            let beta = try await bus.join("beta", features: Self.features)
            try await beta.send(#"{"op":"rename","name":"gamma"}"#)
            try await beta.find("renamed")
            let other = try await bus.connect(isLocalUser: true)
            try await other.send(
                #"{"op":"hello","role":"agent","session_id":"other","name":"alpha","features":["notices"]}"#
            )
            try await other.expect("welcome")
            try await giveBack(gateway, id)
            #expect(try await beta.find("notice").string("text")?.contains(id) == true)
            try await other.expectSilence()
        }
    }
}
