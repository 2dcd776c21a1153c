import InterSessionCore
import Logging
import NIOCore

/// The parts of a server that live on its event loop, put together.
struct Bus: Sendable {
    let router: NIOLoopBound<Router>
    let writer: Journal.Writer
    private let journal: NIOLoopBound<Journal>

    /// How long leaving peers may take to read what was written for them.
    private static let goodbyeDeadline: Duration = .milliseconds(500)

    /// Must be called on the event loop.
    init(
        _ directory: DataDirectory,
        _ token: BearerToken,
        _ eventLoop: any EventLoop,
        _ logger: Logger,
        idleMinutes: Int,
        onIdle: @escaping () -> Void
    ) throws {
        let registry = Registry()
        let journal = Journal(eventLoop: eventLoop, log: try MessageLog(path: directory.messageLog))
        let delivery = Delivery(registry: registry, logger: logger)
        journal.onOutcome = delivery.deliver
        let router = Router(
            registry: registry,
            token: token,
            journal: journal,
            lastMessageID: MessageLog.lastID(in: directory.messageLog),
            logger: logger
        )
        let idle = IdleShutdown(eventLoop: eventLoop, minutes: idleMinutes, shutDown: onIdle)
        router.onPopulationChange = { idle.populationChanged(isEmpty: registry.isEmpty) }
        // A server that nobody ever joins leaves too.
        router.onPopulationChange()

        self.router = NIOLoopBound(router, eventLoop: eventLoop)
        self.journal = NIOLoopBound(journal, eventLoop: eventLoop)
        writer = journal.makeWriter()
    }

    /// What was accepted is still written; the writer ends after it.
    func stopAccepting() {
        let journal = journal
        journal.eventLoop.execute { journal.value.close() }
    }

    /// Closes every agent's connection, and waits a little for the sockets to drain.
    func sayGoodbye() async {
        let router = router
        let closed = router.eventLoop.flatSubmit {
            let sockets = router.value.registry.agents.compactMap { $0.connection.close(.goingAway) }
            return EventLoopFuture.andAllComplete(sockets, on: router.eventLoop)
        }
        try? await withDeadline(Self.goodbyeDeadline, else: CancellationError()) { try await closed.get() }
    }
}
