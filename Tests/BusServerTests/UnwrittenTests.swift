import GRDB
import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// What was acknowledged and cannot be written: another process holds a lock on the database for longer than the bus waits.
@Suite("unwritten acknowledgements")
struct UnwrittenTests {
    /// Runs `body` with a function that locks the database, and gives one that frees it.
    private func withLock(_ body: @Sendable (MemoryBus, DatabaseQueue) async throws -> Void) async throws {
        try await TemporaryDirectory.with { path in
            try await MemoryBus.with(path, .unlimited) { bus in
                var configuration = GRDB.Configuration()
                configuration.allowsUnsafeTransactions = true
                let database = try DatabaseQueue(path: "\(path)/mail.sqlite", configuration: configuration)
                try await body(bus, database)
                try database.close()
            }
        }
    }

    private func lock(_ database: DatabaseQueue) throws {
        try database.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    private func unlock(_ database: DatabaseQueue) throws {
        try database.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    }

    /// Has beta get a message from `alpha` and acknowledge it when the database is locked.
    private func acknowledge(
        from alpha: MemoryPeer,
        _ bus: MemoryBus,
        _ database: DatabaseQueue
    ) async throws -> (beta: MemoryPeer, id: String) {
        let beta = try await bus.join("beta", features: "acks")
        try await alpha.message("seen", to: "beta")
        let id = try await beta.find("msg").requiredString("msg_id")
        try lock(database)
        try await beta.send(#"{"op":"ack","msg_id":"\#(id)"}"#)
        return (beta, id)
    }

    @Test("a session that comes again does not get what it has acknowledged, nor is it counted")
    func sameSession() async throws {
        try await withLock { bus, database in
            let alpha = try await bus.join("alpha", features: "receipts hold")
            let (beta, _) = try await acknowledge(from: alpha, bus, database)
            try await beta.leave()
            let again = try await bus.join("beta", features: "acks")
            #expect(try await again.find("waiting").integer("count") == 0)
            try unlock(database)
            try await alpha.message("new", to: "beta")
            #expect(try await again.texts(1) == ["new"])
        }
    }

    @Test("another session that comes under the name does not get it")
    func otherSession() async throws {
        try await withLock { bus, database in
            let alpha = try await bus.join("alpha", features: "receipts hold")
            let (beta, _) = try await acknowledge(from: alpha, bus, database)
            // The acknowledgement is written together with this.
            try await alpha.send(#"{"op":"send","to":"beta","text":"refused"}"#)
            try await beta.leave()
            let other = try await bus.connect(isLocalUser: true)
            try await other.send(
                #"{"op":"hello","role":"agent","session_id":"other","name":"beta","features":["acks"]}"#
            )
            try await other.expect("welcome")
            try await alpha.find("error")
            // What waits behind it, the mailbox that the other has inherited, is written now.
            try unlock(database)
            try await alpha.message("new", to: "beta")
            #expect(try await other.texts(1) == ["new"])
        }
    }

    @Test("whoever asks is told that it was seen")
    func lookup() async throws {
        try await withLock { bus, database in
            let alpha = try await bus.join("alpha", features: "receipts hold history sessions")
            let (_, id) = try await acknowledge(from: alpha, bus, database)
            try await alpha.send(#"{"op":"show","msg_id":"\#(id)"}"#)
            try await alpha.send(#"{"op":"log","unseen_by":"beta"}"#)
            try await alpha.send(#"{"op":"list","all":true}"#)
            let shown = try await alpha.find("messages").objects("messages")?.first
            #expect(try shown?.objects("deliveries")?.first?.string("state") == "seen")
            let unseen = try await alpha.find("messages")
            #expect(try unseen.integer("total") == 0 && unseen.objects("messages")?.isEmpty == true)
            let sessions = try await alpha.find("list_ok").objects("sessions") ?? []
            for session in sessions { #expect(try session.integer("waiting") == 0) }
            try unlock(database)
        }
    }
}
