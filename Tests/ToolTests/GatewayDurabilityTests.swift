import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// Sessions of two agents write to each other while the gateways are killed: what was accepted is printed once, in order.
///
/// At full size: `INTER_SESSION_GATEWAY_MESSAGES=5000 swift test --filter GatewayDurabilityTests`
@Suite("durability of gateways")
struct GatewayDurabilityTests {
    private static let messages =
        ProcessInfo.processInfo.environment["INTER_SESSION_GATEWAY_MESSAGES"].flatMap { Int($0) } ?? 400
    private static let kills = max(12, messages / 100)

    @Test("nothing is lost, doubled or out of order, whichever gateway is killed and however many start in its place")
    func nothingIsLost() async throws {
        try await TestBus.withPair { a, b, spool in
            let gateways = [Supervised("a", a, spool), Supervised("b", b, spool)]
            for gateway in gateways { try await gateway.start(1) }
            var receivers: [LoadReceiver] = []
            for (agent, bus) in [("a", a), ("b", b)] {
                for number in 1...2 {
                    let name = "receiver-\(number)"
                    receivers.append(try await LoadReceiver(name, key: number, bus, outside: "\(name)@\(agent)"))
                }
            }
            let accepted = LoadRecord()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (agent, other, bus) in [("a", "b", a), ("b", "a", b)] {
                    for number in 1...2 {
                        tasks.addTask {
                            let sender = try LoadSender("sender-\(number)", bus, outside: "sender-\(number)@\(agent)")
                            let targets = (1...2).map { "receiver-\($0)@\(other)" }
                            try await sender.send(Self.messages / 4, to: targets, accepted)
                        }
                    }
                }
                for kill in 1...Self.kills {
                    let due = kill * Self.messages / (Self.kills + 2)
                    try await eventually("message \(due)", within: .seconds(240)) {
                        accepted.all.count >= due ? () : nil
                    }
                    try await gateways.randomElement()?.kill()
                    // One, or several that come at once.
                    for gateway in gateways { try await gateway.start(kill % 3 + 1) }
                }
                try await tasks.waitForAll()
            }
            #expect(accepted.all.count == Self.messages / 4 * 4)
            for receiver in receivers { try await receiver.expectAll(of: accepted.all) }
        }
    }
}

/// The gateway of an agent, through as many processes as that takes.
private final class Supervised: Sendable {
    private let agent: String
    private let bus: TestBus
    private let spool: String
    private let processes = Mutex<[RunningTool]>([])

    init(_ agent: String, _ bus: TestBus, _ spool: String) {
        self.agent = agent
        self.bus = bus
        self.spool = spool
    }

    func start(_ count: Int) async throws {
        for _ in 0..<count {
            let process = try bus.start("gateway", "--agent", agent, "--transport", "spool:\(spool)", key: 9)
            processes.withLock { $0.append(process) }
        }
    }

    /// Kills the owner, whichever process that is.
    func kill() async throws {
        let running = processes.withLock { processes in
            processes.removeAll { !$0.isRunning }
            return processes
        }
        for process in running where process.lines.contains(where: { $0.contains("is up") }) {
            process.signal(SIGKILL)
            try await process.exitCode()
        }
    }
}
