import InterSessionCore
import Logging
import NIOCore

/// Closes the connections of agents that are not there any more (docs/PROTOCOL.md, "Stale connections"). Belongs to the event loop.
final class StaleConnections {
    /// A process is looked for this often before it counts as gone: one look may fall into its start or its debugger.
    static let looks = 3
    /// Every so many looks the agents are asked for a sign of life, and have until the next time to give it. Asking at
    /// every look would wake each of them, and the server again for each answer, three times as often.
    static let looksForSign = 3

    private let registry: Registry
    private let isAlive: (Int32) -> Bool
    private let logger: Logger
    private var looksUntilSign = looksForSign

    init(
        registry: Registry,
        isAlive: @escaping (Int32) -> Bool = SystemProcess.isAlive,
        logger: Logger
    ) {
        self.registry = registry
        self.isAlive = isAlive
        self.logger = logger
    }

    /// Must be called every 10 s.
    func look() {
        looksUntilSign -= 1
        let asksForSign = looksUntilSign == 0
        if asksForSign { looksUntilSign = Self.looksForSign }
        for agent in Array(registry.agents) {
            // Asking for a process takes microseconds and no disk.
            let isGone = agent.processID.map { !isAlive(Int32(clamping: $0)) } ?? false
            agent.missedLooks = isGone ? agent.missedLooks + 1 : 0
            if agent.missedLooks >= Self.looks {
                close(agent, because: "its process \(agent.processID ?? 0) is gone")
            } else if asksForSign {
                if agent.connection.answersPings {
                    agent.connection.ping()
                } else {
                    close(agent, because: "it answers no ping")
                }
            }
        }
    }

    private func close(_ agent: Agent, because reason: String) {
        logger.notice("closed a stale connection: \(reason)", metadata: agent.metadata)
        // Whoever is there after all, such as a process that was stopped for a while, may come back.
        agent.connection.close(.stale, reason: reason)
    }
}
