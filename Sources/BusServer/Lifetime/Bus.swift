import InterSessionCore
import Logging
import NIOCore
import Platform

/// The parts of a server that live on its event loop, put together.
struct Bus: Sendable {
    let router: NIOLoopBound<Router>
    let storageWorker: Storage.Worker
    let registry: NIOLoopBound<Registry>
    let membership: NIOLoopBound<Membership>
    let journal: NIOLoopBound<Journal>
    let storage: NIOLoopBound<Storage>
    private let logger: Logger

    /// How long leaving peers may take to read what was written for them.
    private static let goodbyeDeadline: Duration = .milliseconds(500)

    /// What is read from the disk before there is a bus.
    struct OpenedStore: Sendable {
        fileprivate let store: MailStore
        /// Where the former database is, when it could not be opened.
        fileprivate let formerDatabase: String?
        fileprivate let memory: MailStore.Memory
        fileprivate let calendar: CalendarCheck
        fileprivate let lastMessageID: MessageID?

        /// Blocks while it reads.
        ///
        /// - Parameter place: the directory in which the bus keeps its mail.
        init(_ place: String, _ settings: MailSettings) throws {
            var store = try MailStore(in: place, settings)
            memory = try store.memory(of: LoopGuard.mostDepths)
            calendar = try store.calendar()
            formerDatabase = store.takeFormerPlace()
            self.store = store
            // The log may know of later messages than a database that had to be begun anew.
            lastMessageID = [MessageLog.lastID(in: "\(place)/messages.log"), memory.lastMessage].compactMap { $0 }.max()
        }
    }

    /// What a bus is given from outside.
    struct Parameters: Sendable {
        let directory: DataDirectory
        let token: BearerToken
        var settings = MailSettings()
        var idleMinutes = 0
        var clock = BusClock.system
        let logger: Logger
    }

    /// Puts the parts together, each of which is given those below it. Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - databaseWasReplaced: called when a damaged database was replaced by an empty one.
    ///   - onIdle: called when nobody was here for as long as a server stays.
    init(
        _ opened: OpenedStore,
        _ given: Parameters,
        _ eventLoop: any EventLoop,
        databaseWasReplaced: @escaping () -> Void,
        onIdle: @escaping () -> Void
    ) {
        let (clock, logger) = (given.clock, given.logger)
        let storage = Storage(eventLoop: eventLoop)
        let journal = Journal(
            storage: storage,
            index: SearchIndexer(storage: storage, logger: logger),
            logger: logger
        )
        let delivery = Delivery(storage: storage, journal: journal, logger: logger)
        let registry = Registry(
            records: opened.memory.records,
            lastMailbox: opened.memory.lastMailbox,
            keeper: delivery,
            clock: clock
        )
        let acceptance = Acceptance(
            journal: journal,
            delivery: delivery,
            loops: LoopGuard(depths: opened.memory.depths, pairLimit: given.settings.pairLimit),
            lastMessageID: opened.lastMessageID,
            clock: clock,
            logger: logger
        )
        let idle = IdleShutdown(eventLoop: eventLoop, minutes: given.idleMinutes, shutDown: onIdle)
        let memory = MemoryReturn(storage: storage)
        let membership = Membership(
            registry: registry,
            token: given.token,
            acceptance: acceptance,
            delivery: delivery,
            logger: logger
        ) { isEmpty in
            idle.populationChanged(isEmpty: isEmpty)
            memory.populationChanged()
        }
        let router = Router(
            membership: membership,
            delivery: delivery,
            lookup: Lookup(registry: registry, storage: storage, journal: journal, clock: clock, logger: logger),
            messages: MessageRouter(registry: registry, acceptance: acceptance, delivery: delivery, clock: clock),
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
        let maintenance = MailMaintenance(
            storage: storage,
            registry: registry,
            delivery: delivery,
            settings: given.settings,
            clients: ClientFiles(given.directory),
            calendar: opened.calendar,
            clock: clock,
            logger: logger
        )
        let databaseWasLost = { (former: String) in
            let text =
                "the mailboxes were damaged and are at \(former) now; mail that waited there is not delivered, "
                + "messages.log has its text"
            logger.error("\(text)")
            membership.notifyTheNext(text)
            registry.saveAll()
            databaseWasReplaced()
        }
        storageWorker = storage.worker(with: opened.store, databaseWasReplaced: databaseWasLost)
        if let former = opened.formerDatabase { databaseWasLost(former) }
        // A server that nobody ever joins leaves too.
        idle.populationChanged(isEmpty: true)
        memory.populationChanged()
        maintenance.start()
        self.logger = logger
        self.registry = NIOLoopBound(registry, eventLoop: eventLoop)
        self.membership = NIOLoopBound(membership, eventLoop: eventLoop)
        self.router = NIOLoopBound(router, eventLoop: eventLoop)
        self.journal = NIOLoopBound(journal, eventLoop: eventLoop)
        self.storage = NIOLoopBound(storage, eventLoop: eventLoop)
    }

    /// Begins to check for stale connections, and for the loss of the data directory. Its mail is rescued into a new one,
    /// and the server must leave, so that another takes its place there.
    ///
    /// Must be called on the event loop.
    /// - Parameter others: what else is to be checked every 10 s.
    func startPeriodicChecks(
        in directory: DataDirectory,
        _ token: BearerToken,
        isThere: @escaping () -> Bool,
        leave: @escaping () -> Void,
        others: [() -> Void]
    ) {
        let (router, membership, journal, storage) = (router.value, membership.value, journal.value, storage.value)
        let loss = DirectoryLoss(isThere: isThere) {
            membership.notifyAll(
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
            } then: { [logger] outcome in
                if case .failure(let error) = outcome { logger.error("the mail could not be saved: \(error)") }
                leave()
            }
        }
        let stale = StaleConnections(registry: registry.value, isAlive: SystemProcess.isAlive, logger: logger)
        PeriodicChecks([stale.check, loss.check] + others).start(on: self.router.eventLoop)
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

    /// Closes the connection of every session and gateway, and waits a little for the sockets to drain.
    func sayGoodbye() async {
        let registry = registry
        let closed = registry.eventLoop.flatSubmit {
            let sockets = registry.value.connectedPeers.compactMap { $0.connection.close(.goingAway) }
            return EventLoopFuture.andAllComplete(sockets, on: registry.eventLoop)
        }
        try? await withDeadline(Self.goodbyeDeadline, else: CancellationError()) { try await closed.get() }
    }
}
