import InterSessionCore
import Platform

/// How the bus does as it grows: one pair of agents beside more and more sessions, and beside a mailbox in which more
/// and more messages wait.
struct Growth {
    struct Point: Sendable {
        let size: Int
        /// Durable messages of 200 B a second.
        let rate: Double
        /// Milliseconds from a message's first byte to its last at the receiver.
        let latency: Double
    }

    let tools: String
    let sessions: [Int]
    let messages: [Int]
    /// Messages for each rate.
    let count: Int

    private static let runs = 5

    func alongSessions() async throws -> [Point] {
        try await BenchBus.withServer(tools: tools) { bus in
            let exchange = try Exchange(bus)
            var crowd: [WirePeer] = []
            var points: [Point] = []
            for size in sessions {
                while crowd.count < size {
                    crowd.append(try WirePeer(bus.socket, agent: "s\(crowd.count)", features: ""))
                }
                points.append(try await point(size, exchange))
            }
            return points
        }
    }

    func alongMailbox() async throws -> [Point] {
        try await BenchBus.withServer(tools: tools) { bus in
            let exchange = try Exchange(bus)
            // Known, and away.
            _ = try WirePeer(bus.socket, agent: "away", features: #""acks""#)
            let filler = try WirePeer(bus.socket, agent: "filler", features: #""receipts","hold""#)
            let frame = WirePeer.frame(#"{"op":"send","to":"away","text":"\#(String(repeating: "x", count: 200))"}"#)
            let burst = [UInt8]((0..<1000).map { _ in frame }.joined())
            var stored = 0
            var points: [Point] = []
            for size in messages {
                while stored < size {
                    try await BlockingWork.run {
                        try filler.write(burst)
                        try filler.read(1000, of: #"{"op":"sent""#)
                    }
                    stored += 1000
                }
                points.append(try await point(size, exchange))
            }
            return points
        }
    }

    /// The median of some runs: the machine is seldom ours alone.
    private func point(_ size: Int, _ exchange: Exchange) async throws -> Point {
        // What comes after many messages or sessions, as the search index, has an end.
        try await pause(.seconds(3))
        var rates: [Double] = []
        var latencies: [Double] = []
        for _ in 0..<Self.runs {
            rates.append(Double(count) / (try await exchange.run(bytes: 200, count: count) / .seconds(1)))
            latencies.append(try await exchange.latencies(200).median)
        }
        return Point(size: size, rate: Samples(rates).median, latency: Samples(latencies).median)
    }
}
