import InterSessionCore
import Platform

/// What the processes take while nothing happens: memory (PSS), and how often they wake up.
struct RestFigures {
    let links: ToolLinks
    /// For which the wakeups are counted.
    let watch: Duration
    let crowd: Int
    /// Messages of the load after which memory is looked at.
    let load: Int

    /// After it a process is at rest: what it does once when sessions have come is done.
    private static let settling: Duration = .seconds(5)

    func measure() async throws -> [Figure] {
        let size = links.installedSize.map { figure("installed size, all tools", [$0], target: 120) }
        return try await real() + [afterLoad(), withCrowd(), size].compactMap { $0 }
    }

    private func real() async throws -> [Figure] {
        try await BenchBus.with(tools: links.path) { bus in
            let clients = try (1...5).map { try BenchClient(bus, "s\($0)", session: $0) }
            defer { for client in clients { client.end() } }
            guard let server = bus.server else { return [] }
            try await pause(Self.settling)
            let meters = clients.map { ProcessMeter($0.process.processID) }
            let before = (meters.compactMap(\.sleeps), ProcessMeter(server).sleeps)
            try await pause(watch)
            let after = (meters.compactMap(\.sleeps), ProcessMeter(server).sleeps)
            let minutes = watch / .seconds(60)
            let clientWakeups = zip(before.0, after.0).map { Double($1 - $0) / minutes }
            let serverWakeups = after.1.flatMap { after in before.1.map { Double(after - $0) / minutes } }
            return [
                figure("client's memory at rest", meters.compactMap(\.memory), target: 8),
                figure("server's memory, 5 sessions", [ProcessMeter(server).memory].compactMap { $0 }, target: 14),
                Figure(
                    name: "client's wakeups",
                    unit: .perMinute,
                    samples: .init(clientWakeups),
                    target: 8
                ),
                Figure(
                    name: "server's wakeups, 5 sessions",
                    unit: .perMinute,
                    samples: .init([serverWakeups].compactMap { $0 }),
                    target: 12
                ),
            ]
        }
    }

    private func afterLoad() async throws -> Figure? {
        try await BenchBus.withServer(tools: links.path) { bus in
            _ = try await Exchange(bus).run(bytes: 200, count: load)
            try await pause(Self.settling)
            return memory(bus, "server's memory after \(load / 1000),000 messages")
        }
    }

    private func withCrowd() async throws -> Figure? {
        try await BenchBus.withServer(tools: links.path) { bus in
            let peers = try (0..<crowd).map { try WirePeer(bus.socket, agent: "s\($0)", features: "") }
            defer { withExtendedLifetime(peers) {} }
            try await pause(Self.settling)
            return memory(bus, "server's memory, \(crowd) sessions")
        }
    }

    private func memory(_ bus: BenchBus, _ name: String) -> Figure? {
        bus.server.flatMap { ProcessMeter($0).memory }.map { figure(name, [$0], target: nil) }
    }

    private func figure(_ name: String, _ bytes: [Int], target: Double?) -> Figure {
        Figure(name: name, unit: .mebibytes, samples: .init(bytes.map { Double($0) / 1_048_576 }), target: target)
    }
}
