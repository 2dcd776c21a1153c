import InterSessionCore
import Platform

/// What the sockets alone allow: the same frames through a process that copies them from one socket to the other and
/// looks at nothing. The other process is this program again.
struct RelayFloor {
    let bytes: Int
    let count: Int

    /// - Returns: frames a second.
    func run() async throws -> Double {
        let (fromUs, toRelay) = try Descriptor.pipe()
        let (fromRelay, toUs) = try Descriptor.pipe()
        guard let program = Environment.executable else {
            throw BenchBus.Failure(description: "where is this program?")
        }
        let relay = try ChildProcess.spawn(
            program,
            ["--relay"],
            streams: [.descriptor(fromUs), .descriptor(toUs), .inherited(2)]
        )
        defer {
            relay.terminate()
            relay.wait()
        }
        let frame = [UInt8](repeating: 0, count: bytes + 60)
        let atOnce = max(1, min(count, (1 << 18) / frame.count))
        let burst = [UInt8]((0..<atOnce).map { _ in frame }.joined())
        let total = count / atOnce * burst.count
        let start = ContinuousClock.now
        async let received: Void = BlockingWork.run {
            var left = total
            var space = [UInt8](repeating: 0, count: 1 << 18)
            while left > 0 { left -= try space.withUnsafeMutableBytes { try fromRelay.read(into: $0) } }
        }
        try await BlockingWork.run {
            for _ in 0..<count / atOnce { try toRelay.write(burst) }
        }
        try await received
        return Double(count / atOnce * atOnce) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// The relay itself, from standard input to standard output.
    static func copy() throws {
        let input = Descriptor(owning: 0)
        let output = Descriptor(owning: 1)
        var space = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try space.withUnsafeMutableBytes { try input.read(into: $0) }
            if count == 0 { return }
            try output.write(space[..<count])
        }
    }
}
