import InterSessionCore
import Platform

/// A load from its first session to its last message.
struct SoakRun: Sendable {
    /// How long the last messages may take to arrive.
    private static let drainTime: Duration = .seconds(30)
    /// Sessions that start together.
    private static let startsAtOnce = 50

    let sessions: Int
    let seconds: Int
    let interval: Duration
    let endpoint: BusEndpoint

    /// The process of the server in charge.
    var server: Int32? {
        let path = endpoint.directory.serverProcessID(port: endpoint.settings.port)
        guard let content = try? File.read(path) else { return nil }
        return Int32(String(decoding: content, as: UTF8.self).prefix { $0.isNumber })
    }

    func run() async throws -> SoakReport {
        let ledger = SoakLedger()
        let end = ContinuousClock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<sessions {
                tasks.addTask {
                    try await SoakSession(
                        interval: interval,
                        number: number,
                        count: sessions,
                        endpoint: endpoint,
                        ledger: ledger,
                        end: end
                    ).run()
                }
                // A server that starts has its first sessions before the crowd comes.
                if number % Self.startsAtOnce == 0 { try await pause(.milliseconds(50)) }
            }
            defer { tasks.cancelAll() }
            // The first minute fills caches; what grows after it is a leak.
            let warm = min(60, seconds / 2)
            try await pause(.seconds(warm))
            let atStart = measure()
            try await pause(end - .now)
            let giveUp = ContinuousClock.now + Self.drainTime
            while !ledger.isComplete, .now < giveUp { try await pause(.milliseconds(50)) }
            return SoakReport(
                sessions: sessions,
                seconds: seconds,
                totals: ledger.totals,
                atStart: atStart,
                atEnd: measure()
            )
        }
    }

    private func measure() -> SoakReport.Use {
        let meter = server.map(ProcessMeter.init)
        return .init(memory: meter?.memory, descriptors: meter?.descriptors)
    }
}
