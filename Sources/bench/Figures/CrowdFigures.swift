import InterSessionCore
import Platform

/// What many sessions at once cost: a message to all of them, and their coming.
struct CrowdFigures {
    let tools: String
    let runs: Int
    let sizes: [Int]
    let connections: Int

    func measure() async throws -> [Figure] {
        var figures: [Figure] = []
        for size in sizes { figures.append(try await broadcast(to: size)) }
        return figures + [try await connect()]
    }

    /// From the first byte of a broadcast to the last byte at the last session.
    private func broadcast(to size: Int) async throws -> Figure {
        try await BenchBus.withServer(tools: tools) { bus in
            let crowd = try (0..<size).map { try WirePeer(bus.socket, agent: "s\($0)", features: "") }
            let sender = try WirePeer(bus.socket, agent: "sender", features: "")
            let frame = WirePeer.frame(#"{"op":"broadcast","text":"\#(String(repeating: "x", count: 200))"}"#)
            let times = try (0..<min(runs, 50)).map { _ in
                try timed {
                    try sender.write(frame)
                    for peer in crowd { try peer.read(1, of: #"{"op":"msg""#) }
                }
            }
            return Figure(
                name: "broadcast to \(size) sessions",
                unit: .milliseconds,
                samples: .init(milliseconds: times),
                floors: [.init(name: "pipes", median: try pipes(to: size, bytes: frame.count).median)],
                target: size == 200 ? 5 : nil
            )
        }
    }

    /// The same bytes through as many pipes, with nobody in between.
    private func pipes(to size: Int, bytes: Int) throws -> Samples {
        let pipes = try (0..<size).map { _ in try Descriptor.pipe() }
        let frame = [UInt8](repeating: 0, count: bytes)
        var space = frame
        return Samples(
            milliseconds: try (0..<runs).map { _ in
                try timed {
                    for pipe in pipes { try pipe.write.write(frame) }
                    for pipe in pipes { _ = try space.withUnsafeMutableBytes { try pipe.read.read(into: $0) } }
                }
            }
        )
    }

    /// Connections of tools, sixty-four at a time: upgrade, hello, welcome, end.
    private func connect() async throws -> Figure {
        try await BenchBus.withServer(tools: tools) { bus in
            let hello = #"{"op":"hello","role":"observer"}"#
            let rates = try (0..<max(3, runs / 4)).map { _ in
                let time = try timed {
                    for _ in 0..<connections / 64 {
                        let peers = try (0..<64).map { _ in try WirePeer(bus.socket) }
                        for peer in peers { try peer.sayHello(hello) }
                        for peer in peers { try peer.awaitWelcome() }
                    }
                }
                return Double(connections / 64 * 64) / (time / .seconds(1))
            }
            return Figure(name: "connections", unit: .perSecond, samples: .init(rates), target: 3000)
        }
    }
}
