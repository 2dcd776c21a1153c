import InterSessionCore
import Platform

/// Durable messages from one agent to another: each is stored, acknowledged to its sender, received, and acknowledged
/// by its receiver.
struct ThroughputFigures {
    let tools: String
    let runs: Int
    /// Of the messages that a run takes, so many.
    let share: Double

    private static let loads: [(name: String, bytes: Int, count: Int, target: Double?)] = [
        ("20 B", 20, 200_000, nil), ("200 B", 200, 200_000, 100_000), ("4 KiB", 4096, 60_000, 40_000),
        ("1 MiB", 1 << 20, 300, nil),
    ]

    func measure() async throws -> [Figure] {
        var figures: [Figure] = []
        for load in Self.loads {
            let count = max(10, Int(Double(load.count) * share))
            var rates: [Double] = []
            var relayed: [Double] = []
            var inserted: [Double] = []
            for _ in 0..<runs {
                let (rate, empty) = try await run(bytes: load.bytes, count: count)
                defer { Directory.removeAll(empty) }
                rates.append(rate)
                relayed.append(try await RelayFloor(bytes: load.bytes, count: count).run())
                inserted.append(
                    try SQLiteFloor(database: "\(empty)/mail.sqlite", bytes: load.bytes, count: count).run()
                )
            }
            figures.append(
                Figure(
                    name: "durable messages of \(load.name)",
                    unit: .perSecond,
                    samples: .init(rates),
                    floors: [
                        .init(name: "relay", median: Samples(relayed).median),
                        .init(name: "SQLite", median: Samples(inserted).median),
                    ],
                    target: load.target
                )
            )
        }
        return figures + [try await large(), try await firstLarge()]
    }

    /// - Returns: messages a second, and a directory with a copy of the database of before the first.
    private func run(bytes: Int, count: Int) async throws -> (Double, String) {
        try await BenchBus.withServer(tools: tools) { bus in
            let empty = try Directory.makeTemporary()
            try SQLiteFloor.copy(bus.directory.mail(port: bus.port), to: "\(empty)/mail.sqlite")
            return (Double(count) / (try await Exchange(bus).run(bytes: bytes, count: count) / .seconds(1)), empty)
        }
    }

    private func large() async throws -> Figure {
        let relay = RelayFloor(bytes: WireLimits.directText, count: 1)
        let times = try await BenchBus.withServer(tools: tools) { bus in
            let exchange = try Exchange(bus)
            var times: [Duration] = []
            for _ in 0...max(3, runs * 3) {
                times.append(try await exchange.run(bytes: WireLimits.directText, count: 1))
                // One message, and not a load: what is put off while mail comes is done.
                try await pause(.milliseconds(200))
            }
            return times
        }
        return Figure(
            name: "one message of 10 MiB",
            unit: .milliseconds,
            samples: .init(milliseconds: Array(times.dropFirst())),
            floors: [.init(name: "relay", median: 1000 / (try await relay.run()))],
            target: 60
        )
    }

    /// The server takes the memory, and the space on the disk, that the next ones find there.
    private func firstLarge() async throws -> Figure {
        var times: [Duration] = []
        for _ in 0..<max(3, runs) {
            try await BenchBus.withServer(tools: tools) { bus in
                times.append(try await Exchange(bus).run(bytes: WireLimits.directText, count: 1))
            }
        }
        return Figure(name: "… the first of a server", unit: .milliseconds, samples: .init(milliseconds: times))
    }
}

/// Two agents of a bus, one of which writes to the other.
struct Exchange: Sendable {
    private let sender: WirePeer
    private let receiver: WirePeer

    init(_ bus: BenchBus) throws {
        receiver = try WirePeer(bus.socket, agent: "receiver", features: #""acks""#)
        sender = try WirePeer(bus.socket, agent: "sender", features: #""receipts""#)
    }

    /// Bytes that are written at once.
    private static let burst = 1 << 18

    /// Sends messages as fast as they are taken.
    ///
    /// - Returns: the time until the last one was accepted and received.
    func run(bytes: Int, count: Int) async throws -> Duration {
        let frame = WirePeer.frame(#"{"op":"send","to":"receiver","text":"\#(String(repeating: "x", count: bytes))"}"#)
        let atOnce = max(1, min(count, Self.burst / frame.count))
        let burst = [UInt8]((0..<atOnce).map { _ in frame }.joined())
        let start = ContinuousClock.now
        async let accepted: Void = BlockingWork.run { [sender] in try sender.read(count, of: #"{"op":"sent""#) }
        async let received: Void = BlockingWork.run { [receiver] in try receiver.receive(count) }
        try await BlockingWork.run { [sender] in
            for _ in 0..<count / atOnce { try sender.write(burst) }
            for _ in 0..<count % atOnce { try sender.write(frame) }
        }
        try await accepted
        try await received
        return .now - start
    }

    /// Sends a message and waits for it, again and again.
    func latencies(_ count: Int) async throws -> Samples {
        try await BlockingWork.run { [sender, receiver] in
            let frame = WirePeer.frame(
                #"{"op":"send","to":"receiver","text":"\#(String(repeating: "x", count: 200))"}"#
            )
            return Samples(
                milliseconds: try (0..<count).map { _ in
                    try timed {
                        try sender.write(frame)
                        try receiver.receive(1)
                    }
                }
            )
        }
    }
}
