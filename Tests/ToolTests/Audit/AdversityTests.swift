import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// All of it at once: two buses in one directory, whose servers and receivers are killed while the calendar steps by
/// 15 days either way, old mail expires, and another process locks both databases.
///
/// At full size: `INTER_SESSION_ADVERSITY_MESSAGES=20000 swift test --filter AdversityTests`
@Suite("adversity")
struct AdversityTests {
    private static let messages =
        ProcessInfo.processInfo.environment["INTER_SESSION_ADVERSITY_MESSAGES"].flatMap { Int($0) } ?? 800
    private static let senders = ["sender-1", "sender-2"]
    private static let receivers = ["receiver-1", "receiver-2"]
    private static let kills = 10
    private static let oldMessages = 300

    /// Holds the lock for writing on each database in turn, for up to a second.
    private static let locker = """
        import random, sqlite3, sys, time
        while True:
            for path in sys.argv[1:]:
                try:
                    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
                    connection.execute("BEGIN IMMEDIATE")
                    time.sleep(random.random())
                    connection.execute("ROLLBACK")
                    connection.close()
                except sqlite3.Error:
                    pass
                time.sleep(random.random())
        """

    @Test(
        "nothing accepted is lost, doubled or shown to the wrong session, whatever happens around it (needs libfaketime)",
        .needs(.libfaketime)
    )
    func everything() async throws {
        try await TestBus.withTwoPorts { first, second in
            let clock = try FakeClock(in: first.directory)
            let buses = try [first, second].map { try $0.withServer(by: clock) }
            for bus in buses { try await age(bus, clock) }
            let locker = try RunningTool(
                "/usr/bin/env",
                ["python3", "-c", Self.locker] + buses.map(\.mail),
                environment: ProcessInfo.processInfo.environment,
                in: first.directory
            )
            defer { locker.signal(SIGKILL) }

            let accepted = LoadRecord()
            var receivers: [LoadReceiver] = []
            for (number, bus) in buses.enumerated() {
                for (index, name) in Self.receivers.enumerated() {
                    receivers.append(try await LoadReceiver(name, key: 10 * number + index + 1, bus, mark: number))
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (number, bus) in buses.enumerated() {
                    for name in Self.senders {
                        tasks.addTask {
                            // Both buses have sessions of these names; what they write says which bus it was.
                            let sender = try LoadSender(name, bus, mark: number)
                            try await sender.send(Self.messages / 4, to: Self.receivers, accepted)
                        }
                    }
                }
                var random = SystemRandomNumberGenerator()
                for kill in 1...Self.kills {
                    let due = kill * Self.messages / (Self.kills + 2)
                    try await eventually("message \(due)", within: .seconds(300)) {
                        accepted.all.count >= due ? () : nil
                    }
                    try clock.set(["+0", "+15d", "-15d", "-2s", "+3d"].randomElement(using: &random) ?? "+0")
                    for server in try buses.flatMap({ try $0.serverProcesses() }) { Foundation.kill(server, SIGKILL) }
                    try await receivers[kill % receivers.count].killAndRestart(kill % 2 == 0 ? SIGKILL : SIGTERM)
                }
                try await tasks.waitForAll()
            }
            try clock.set("+0")
            #expect(accepted.all.count == Self.messages / 4 * 4)
            for receiver in receivers { try await receiver.expectAll(of: accepted.all) }
            print("adversity: \(accepted.all.count) accepted, all printed once, in order, where they belong")
        }
    }

    /// Mail of a session that was last here eight days ago, and servers that have run now and then since, so that it
    /// has grown old in a way that is believed: it expires while the rest goes on.
    private func age(_ bus: TestBus, _ clock: FakeClock) async throws {
        try clock.set("-8d")
        let oldie = try await bus.connect("oldie", key: 99)
        oldie.signal(SIGTERM)
        try await oldie.exitCode()
        let record = LoadRecord()
        try await LoadSender("of-old", bus).send(Self.oldMessages, to: ["oldie"], record)
        for offset in ["-8d", "-5d", "-2d", "+0"] {
            for server in try bus.serverProcesses() { kill(server, SIGKILL) }
            try clock.set(offset)
            let visitor = try await bus.connect("visitor", key: 98)
            visitor.signal(SIGTERM)
            try await visitor.exitCode()
        }
        _ = try await eventually("the old mail to expire", within: .seconds(60)) {
            bus.file("server.log").contains("\(Self.oldMessages) expired unseen") ? () : nil
        }
    }
}
