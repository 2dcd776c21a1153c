import InterSessionCore
import Logging
import NIOCore

/// Closes the connections of peers that are not there any more (docs/PROTOCOL.md, "Stale connections"). Belongs to the
/// event loop.
final class StaleConnections {
    /// So many checks in a row must miss a process before it counts as gone: one may fall into its start or its debugger.
    static let checks = 3
    /// Every so many checks the peers are pinged, and have until the next ping to answer. A ping at every check would wake
    /// each of them, and the server again for each answer, three times as often.
    static let checksPerPing = 3

    private let registry: Registry
    private let isAlive: (Int32) -> Bool
    private let logger: Logger
    private var checksUntilPing = checksPerPing

    init(
        registry: Registry,
        isAlive: @escaping (Int32) -> Bool,
        logger: Logger
    ) {
        self.registry = registry
        self.isAlive = isAlive
        self.logger = logger
    }

    /// Must be called every 10 s.
    func check() {
        checksUntilPing -= 1
        let mustPing = checksUntilPing == 0
        if mustPing { checksUntilPing = Self.checksPerPing }
        for peer in Array(registry.connectedPeers) {
            // It takes microseconds and no disk.
            let isGone = peer.processID.map { !isAlive(Int32(clamping: $0)) } ?? false
            peer.missedChecks = isGone ? peer.missedChecks + 1 : 0
            if peer.missedChecks >= Self.checks {
                close(peer, because: "its process \(peer.processID ?? 0) is gone")
            } else if mustPing {
                if peer.connection.answersPings {
                    peer.connection.ping()
                } else {
                    close(peer, because: "it answers no ping")
                }
            }
        }
    }

    private func close(_ peer: ConnectedPeer, because reason: String) {
        logger.notice("closed a stale connection: \(reason)", metadata: peer.metadata)
        // Whoever is there after all, such as a process that was stopped for a while, may come back.
        peer.connection.close(.stale, reason: reason)
    }
}

extension ConnectedPeer {
    /// Who it is, for server.log.
    var metadata: Logger.Metadata {
        ["session": "\(id)", "name": "\(name?.rawValue ?? "")"]
    }
}
