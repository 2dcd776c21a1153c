import InterSessionCore
import Logging
import NIOCore

/// The parts of a server that live on its event loop, put together.
struct Bus: Sendable {
    let router: NIOLoopBound<Router>
    let storageWorker: Storage.Worker
    private let journal: NIOLoopBound<Journal>
    private let storage: NIOLoopBound<Storage>
    private let logger: Logger

    /// How long leaving peers may take to read what was written for them.
    private static let goodbyeDeadline: Duration = .milliseconds(500)

    /// What is read from the disk before there is a bus.
    struct Inheritance: Sendable {
        fileprivate var store: MailStore
        fileprivate let memory: MailStore.Memory
        fileprivate let lastMessageID: MessageID?

        /// Blocks while it reads.
        init(_ directory: DataDirectory, _ settings: MailSettings) throws {
            store = try MailStore(directory, settings)
            memory = try store.memory(of: LoopGuard.mostDepths)
            // The log may know of later messages than a database that had to be begun anew.
            lastMessageID = [MessageLog.lastID(in: directory.messageLog), memory.lastMessage].compactMap { $0 }.max()
        }
    }

    /// Must be called on the event loop.
    init(
        _ inheritance: Inheritance,
        _ token: BearerToken,
        _ settings: MailSettings,
        _ eventLoop: any EventLoop,
        _ logger: Logger,
        idleMinutes: Int,
        onIdle: @escaping () -> Void
    ) {
        let registry = Registry(owners: inheritance.memory.owners, lastMailbox: inheritance.memory.lastMailbox)
        var store = inheritance.store
        let (damage, onDamage) = Self.reporter(eventLoop)
        store.onMovedAside = onDamage
        let storage = Storage(eventLoop: eventLoop, store: store)
        let journal = Journal(storage: storage)
        let delivery = Delivery(storage: storage, journal: journal, logger: logger)
        let housekeeping = Housekeeping(storage: storage, registry: registry, logger: logger)
        let acceptance = Acceptance(
            journal: journal,
            loops: LoopGuard(depths: inheritance.memory.depths, pairLimit: settings.pairLimit),
            lastMessageID: inheritance.lastMessageID,
            logger: logger
        )
        let router = Router(
            registry: registry,
            token: token,
            acceptance: acceptance,
            delivery: delivery,
            lookup: Lookup(registry: registry, storage: storage, journal: journal, logger: logger),
            gateways: GatewayRouter(
                registry: registry,
                acceptance: acceptance,
                delivery: delivery,
                journal: journal,
                storage: storage,
                logger: logger
            ),
            logger: logger
        )
        let idle = IdleShutdown(eventLoop: eventLoop, minutes: idleMinutes, shutDown: onIdle)

        journal.onOutcome = delivery.deliver
        journal.onLostAcknowledgements = { logger.error("acknowledgements could not be stored: \($0)") }
        journal.onIdle = housekeeping.journalIsIdle
        registry.onChange = { owner in
            storage.perform { store in
                try store.save(owner)
            } then: { outcome in
                guard case .failure(let error) = outcome else { return }
                logger.error("the session \(owner.sessionID) could not be stored: \(error)")
            }
        }
        registry.onMerge = { old, session in
            let mailbox = session.mailbox
            journal.flush()
            storage.perform { store in
                try store.merge(old, into: mailbox)
            } then: { outcome in
                if case .failure(let error) = outcome { logger.error("mail could not change its mailbox: \(error)") }
                delivery.startOver(session)
            }
        }
        let movedAside = { (place: String) in
            let text =
                "the mailboxes were damaged and are at \(place) now; mail that waited there is not delivered, "
                + "messages.log has its text"
            logger.error("\(text)")
            router.tellTheNext(text)
            registry.saveAll()
        }
        damage.value.report = movedAside
        if let place = store.movedAside { movedAside(place) }
        let memory = MemoryReturn(storage: storage)
        router.onPopulationChange = {
            idle.populationChanged(isEmpty: registry.isEmpty)
            memory.populationChanged()
        }
        // A server that nobody ever joins leaves too.
        router.onPopulationChange()
        housekeeping.start()
        self.logger = logger
        self.router = NIOLoopBound(router, eventLoop: eventLoop)
        self.journal = NIOLoopBound(journal, eventLoop: eventLoop)
        self.storage = NIOLoopBound(storage, eventLoop: eventLoop)
        storageWorker = storage.worker
    }

    /// Carries word of a damaged database from the storage's thread to the event loop.
    private final class DamageReport {
        var report: (String) -> Void = { _ in }
    }

    private static func reporter(
        _ eventLoop: any EventLoop
    ) -> (NIOLoopBound<DamageReport>, @Sendable (String) -> Void) {
        let bound = NIOLoopBound(DamageReport(), eventLoop: eventLoop)
        return (bound, { place in eventLoop.execute { bound.value.report(place) } })
    }

    /// Begins to look for ghosts, and for the loss of the data directory. Its mail is rescued into a new one, all
    /// sessions hear of it, and the server must leave, so that another takes its place there.
    ///
    /// Must be called on the event loop.
    func startRounds(
        in directory: DataDirectory,
        _ token: BearerToken,
        isThere: @escaping () -> Bool,
        leave: @escaping () -> Void
    ) {
        let router = router.value
        let journal = journal.value
        let storage = storage.value
        let loss = DirectoryLoss(isThere: isThere) {
            router.tellAll("the data directory \(directory.path) was removed; the mail was saved into a new one")
            journal.flush()
            storage.perform { store in
                try directory.prepare()
                try token.restore(in: directory)
                try store.rescue()
            } then: { outcome in
                if case .failure(let error) = outcome { router.log("the mail could not be saved: \(error)") }
                leave()
            }
        }
        let reaper = GhostReaper(registry: router.registry, logger: logger)
        Rounds([reaper.look, loss.look]).start(on: self.router.eventLoop)
    }

    /// What was accepted is still stored; the storage ends after it.
    func stopAccepting() {
        let journal = journal
        let storage = storage
        journal.eventLoop.execute {
            journal.value.flush()
            storage.value.close()
        }
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
