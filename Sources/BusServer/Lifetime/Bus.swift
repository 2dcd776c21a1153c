import InterSessionCore
import Logging
import NIOCore
import Platform

/// The parts of a server that live on its event loop, put together.
struct Bus: Sendable {
    let router: NIOLoopBound<Router>
    let storageWorker: Storage.Worker
    let journal: NIOLoopBound<Journal>
    let storage: NIOLoopBound<Storage>
    private let logger: Logger

    /// How long leaving peers may take to read what was written for them.
    private static let goodbyeDeadline: Duration = .milliseconds(500)

    /// What is read from the disk before there is a bus.
    struct Inheritance: Sendable {
        fileprivate var store: MailStore
        fileprivate let memory: MailStore.Memory
        fileprivate let calendar: CalendarCheck
        fileprivate let lastMessageID: MessageID?

        /// Blocks while it reads.
        ///
        /// - Parameter place: the directory in which the bus keeps its mail.
        init(_ place: String, _ settings: MailSettings) throws {
            store = try MailStore(in: place, settings)
            memory = try store.memory(of: LoopGuard.mostDepths)
            calendar = try store.calendar()
            // The log may know of later messages than a database that had to be begun anew.
            lastMessageID = [MessageLog.lastID(in: "\(place)/messages.log"), memory.lastMessage].compactMap { $0 }.max()
        }
    }

    /// What a bus is given from outside.
    struct Surroundings: Sendable {
        let directory: DataDirectory
        let token: BearerToken
        var settings = MailSettings()
        var idleMinutes = 0
        var clock = BusClock.system
        let logger: Logger
    }

    /// Must be called on the event loop.
    /// - Parameters:
    ///   - onNewStore: called when a damaged database was replaced by an empty one.
    ///   - onIdle: called when nobody was here for as long as a server stays.
    init(
        _ inheritance: Inheritance,
        _ given: Surroundings,
        _ eventLoop: any EventLoop,
        onNewStore: @escaping () -> Void = {},
        onIdle: @escaping () -> Void
    ) {
        let (clock, logger) = (given.clock, given.logger)
        let registry = Registry(
            owners: inheritance.memory.owners,
            lastMailbox: inheritance.memory.lastMailbox,
            clock: clock
        )
        var store = inheritance.store
        let (damage, onDamage) = Self.reporter(eventLoop)
        store.onMovedAside = onDamage
        let storage = Storage(eventLoop: eventLoop, store: store)
        let journal = Journal(storage: storage)
        let delivery = Delivery(storage: storage, journal: journal, logger: logger)
        let housekeeping = Housekeeping(
            storage: storage,
            registry: registry,
            delivery: delivery,
            settings: given.settings,
            clients: ClientFiles(given.directory),
            calendar: inheritance.calendar,
            clock: clock,
            logger: logger
        )
        let acceptance = Acceptance(
            journal: journal,
            loops: LoopGuard(depths: inheritance.memory.depths, pairLimit: given.settings.pairLimit),
            lastMessageID: inheritance.lastMessageID,
            clock: clock,
            logger: logger
        )
        let router = Router(
            registry: registry,
            token: given.token,
            acceptance: acceptance,
            delivery: delivery,
            lookup: Lookup(registry: registry, storage: storage, journal: journal, clock: clock, logger: logger),
            gateways: GatewayRouter(
                registry: registry,
                acceptance: acceptance,
                delivery: delivery,
                journal: journal,
                storage: storage,
                logger: logger
            ),
            clock: clock,
            logger: logger
        )
        let idle = IdleShutdown(eventLoop: eventLoop, minutes: given.idleMinutes, shutDown: onIdle)

        journal.onOutcome = delivery.deliver
        journal.onFailure = { logger.error("changes could not be stored, and will be with the next: \($0)") }
        journal.onMerged = delivery.merged
        journal.onIdle = housekeeping.journalIsIdle
        registry.onChange = journal.save
        registry.onMerge = { old, heir in
            delivery.awaitMerge(into: heir)
            journal.merge(old, into: heir)
        }
        let movedAside = { (place: String) in
            let text =
                "the mailboxes were damaged and are at \(place) now; mail that waited there is not delivered, "
                + "messages.log has its text"
            logger.error("\(text)")
            router.tellTheNext(text)
            registry.saveAll()
            onNewStore()
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

    /// Begins to look for stale connections, and for the loss of the data directory. Its mail is rescued into a new one,
    /// and the server must leave, so that another takes its place there.
    ///
    /// Must be called on the event loop.
    /// - Parameter others: what else is to be looked at every 10 s.
    func startRounds(
        in directory: DataDirectory,
        _ token: BearerToken,
        isThere: @escaping () -> Bool,
        leave: @escaping () -> Void,
        others: [() -> Void] = []
    ) {
        let router = router.value
        let journal = journal.value
        let storage = storage.value
        let loss = DirectoryLoss(isThere: isThere) {
            router.tellAll(
                File.exists(directory.path)
                    ? "files of the bus in \(directory.path) were removed or replaced; the mail was saved beside them"
                    : "the data directory \(directory.path) was removed; the mail was saved into a new one"
            )
            // What would be accepted from here on would be in the file that was removed.
            router.stopAccepting()
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
        let stale = StaleConnections(registry: router.registry, logger: logger)
        Rounds([stale.look, loss.look] + others).start(on: self.router.eventLoop)
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
