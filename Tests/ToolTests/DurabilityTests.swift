import Foundation
import InterSessionCore
import Synchronization
import TestSupport
import Testing

/// Four sessions write to four while servers and receivers are killed: what was accepted is printed once, in order.
///
/// At full size: `INTER_SESSION_DURABILITY_MESSAGES=20000 swift test --filter DurabilityTests`
@Suite("durability")
struct DurabilityTests {
    private static let messages =
        ProcessInfo.processInfo.environment["INTER_SESSION_DURABILITY_MESSAGES"].flatMap { Int($0) } ?? 1200
    private static let senders = ["sender-1", "sender-2", "sender-3", "sender-4"]
    private static let receivers = ["receiver-1", "receiver-2", "receiver-3", "receiver-4"]
    private static let kills = 10

    @Test("nothing accepted is lost, doubled or out of order, whoever is killed")
    func nothingIsLost() async throws {
        try await TestBus.with { bus in
            let receivers = try await Self.receivers.enumerated().asyncMap { index, name in
                try await LoadReceiver(name, key: index + 1, bus)
            }
            let accepted = LoadRecord()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for name in Self.senders {
                    tasks.addTask {
                        let sender = try LoadSender(name, bus)
                        try await sender.send(Self.messages / Self.senders.count, to: Self.receivers, accepted)
                    }
                }
                for kill in 1...Self.kills {
                    let due = kill * Self.messages / (Self.kills + 2)
                    try await eventually("message \(due)", within: .seconds(120)) {
                        accepted.all.count >= due ? () : nil
                    }
                    for server in try bus.serverProcesses() { Foundation.kill(server, SIGKILL) }
                    let receiver = receivers[kill % receivers.count]
                    try await receiver.killAndRestart(kill % 2 == 0 ? SIGKILL : SIGTERM)
                }
                try await tasks.waitForAll()
            }

            #expect(accepted.all.count == Self.messages, "a sender repeats what was not answered")
            for receiver in receivers { try await receiver.expectAll(of: accepted.all) }
        }
    }
}
