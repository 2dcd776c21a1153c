import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// What is said a second time with its key (docs/PROTOCOL.md, "keys").
@Suite("keys")
struct KeyTests {
    @Test("is answered as the first time, also when its receiver has left meanwhile; what was not accepted is refused")
    func receiverHasLeft() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: "receipts keys")
            let beta = try await bus.join("beta", features: "acks")
            let first = try await alpha.message("x", to: "be", more: #","key":"1""#)
            try await beta.leave()
            let second = try await alpha.message("x", to: "be", more: #","key":"1","ref":"again""#)
            #expect(try second.string("msg_id") == first.string("msg_id"))
            #expect(try second.string("ref") == "again")
            #expect(try second.integer("recipients") == 1)
            try await alpha.send(#"{"op":"send","to":"be","text":"y","key":"2","ref":"new"}"#)
            try await alpha.send(#"{"op":"ping"}"#)
            let error = try await alpha.expectError("unknown_peer")
            #expect(try error.string("ref") == "new")
            try await alpha.expect("pong")
        }
    }
}
