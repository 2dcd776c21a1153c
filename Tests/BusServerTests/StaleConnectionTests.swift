import InterSessionCore
import Logging
import NIOCore
import NIOWebSocket
import Platform
import Testing

@testable import BusServer

/// Which connections are closed because nobody is at their other end.
@Suite("stale connections")
struct StaleConnectionTests {
    /// Mailboxes are of no concern here.
    private final class NoMailboxes: MailboxKeeper {
        func save(_ owner: KnownPeer) {}
        func merge(_ old: KnownPeer, into heir: KnownPeer) {}
    }

    private let registry = Registry(records: [], lastMailbox: 0, keeper: NoMailboxes(), clock: .system)
    private let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A session that is here, at that process.
    private func join(processID: Int?) -> RecordedOutlet {
        let outlet = RecordedOutlet()
        let introduction = Introduction(
            role: .session(id: .random(), name: nil, workingDirectory: "", nonce: nil),
            label: .none,
            processID: processID
        )
        outlet.peer = .member(registry.join(introduction, on: outlet))
        return outlet
    }

    @Test(
        "a process counts as gone when three checks in a row miss it",
        arguments: [
            ([false, false, false], true), ([false, false], false), ([false, false, true, false, false], false),
            ([true, false, false, false], true),
        ]
    )
    func processes(isThere: [Bool], isClosed: Bool) {
        var isAlive = true
        let stale = StaleConnections(registry: registry, isAlive: { _ in isAlive }, logger: logger)
        let watched = join(processID: 7)
        let unwatched = join(processID: nil)
        for isThere in isThere {
            isAlive = isThere
            stale.check()
        }
        #expect(watched.closedWith == (isClosed ? .stale : nil))
        #expect(unwatched.closedWith == nil)
    }

    @Test("a peer is pinged at every third check, and closed at the next ping when it has not answered")
    func pings() {
        let stale = StaleConnections(registry: registry, isAlive: { _ in true }, logger: logger)
        let peer = join(processID: nil)
        for _ in 1...6 { stale.check() }
        #expect(peer.pings == 2 && peer.closedWith == nil)
        peer.answersPings = false
        for _ in 1...2 { stale.check() }
        #expect(peer.closedWith == nil)
        stale.check()
        #expect(peer.pings == 2 && peer.closedWith == .stale)
    }

    @Test("an agent whose process is gone, or that answers no ping, is closed with 4003, and may come back")
    func staleConnections() async throws {
        try await MemoryBus.with { bus in
            let dead = try await bus.join("dead", more: #","pid":\#(Int32.max)"#)
            let silent = try await bus.join("silent", more: #","pid":\#(SystemProcess.current)"#)
            let alive = try await bus.join("alive")
            for _ in 0..<5 {
                await bus.loop.advanceTime(by: .seconds(10))
                try await alive.send(#"{"op":"ping"}"#)
                try await alive.find("pong")
            }
            try await dead.channel.closeFuture.get()
            #expect(silent.channel.isActive, "it was asked for a sign of life 20 s ago")
            await bus.loop.advanceTime(by: .seconds(10))
            try await silent.channel.closeFuture.get()
            while true {
                var frame = try #require(try await silent.channel.readOutbound(as: WebSocketFrame.self))
                guard frame.opcode == .connectionClose else { continue }
                #expect(frame.data.readInteger(as: UInt16.self) == CloseCode.stale.rawValue)
                break
            }
            _ = try await bus.join("silent")
            try await alive.send(#"{"op":"ping"}"#)
            try await alive.find("pong")
        }
    }
}
