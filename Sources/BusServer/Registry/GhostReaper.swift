import InterSessionCore
import Logging
import NIOCore

/// Closes the connections of agents that are there no more (docs/PROTOCOL.md, "Ghosts"). Belongs to the event loop.
final class GhostReaper {
    static let interval: TimeAmount = .seconds(10)
    /// A process is looked for this often before it counts as gone: one look may fall into its start or its debugger.
    static let looks = 3
    static let longestSilence: TimeAmount = .seconds(30)

    private let eventLoop: any EventLoop
    private let registry: Registry
    private let isAlive: (Int32) -> Bool
    private let logger: Logger

    init(
        eventLoop: any EventLoop,
        registry: Registry,
        isAlive: @escaping (Int32) -> Bool = SystemProcess.isAlive,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.registry = registry
        self.isAlive = isAlive
        self.logger = logger
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in bound.value.look() }
    }

    private func look() {
        for agent in Array(registry.agents) {
            // Asking for a process takes microseconds and no disk.
            let isGone = agent.processID.map { !isAlive(Int32(clamping: $0)) } ?? false
            agent.missedLooks = isGone ? agent.missedLooks + 1 : 0
            if agent.missedLooks >= Self.looks {
                close(agent, because: "its process \(agent.processID ?? 0) is gone")
            } else if eventLoop.now - agent.connection.lastHeard > Self.longestSilence {
                close(agent, because: "it answers no ping")
            } else {
                agent.connection.ping()
            }
        }
    }

    private func close(_ agent: Agent, because reason: String) {
        logger.notice("a ghost is sent away: \(reason)", metadata: agent.metadata)
        agent.connection.close(.gone, reason: reason)
    }
}
