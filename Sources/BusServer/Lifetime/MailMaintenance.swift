import InterSessionCore
import Logging
import NIOCore

/// Removes what is old, mail, sessions and files, as long as the calendar can be believed. Belongs to the event loop.
final class MailMaintenance {
    private static let interval: TimeAmount = .minutes(30)

    private let storage: Storage
    private let registry: Registry
    private let delivery: Delivery
    private let settings: MailSettings
    private let clients: ClientFiles
    private let clock: BusClock
    private let logger: Logger
    private var calendar: CalendarCheck
    private var lastPass: ContinuousClock.Instant?

    init(
        storage: Storage,
        registry: Registry,
        delivery: Delivery,
        settings: MailSettings,
        clients: ClientFiles,
        calendar: CalendarCheck,
        clock: BusClock,
        logger: Logger
    ) {
        self.storage = storage
        self.registry = registry
        self.delivery = delivery
        self.settings = settings
        self.clients = clients
        self.calendar = calendar
        self.clock = clock
        self.logger = logger
    }

    func start() {
        removeOld()
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.interval,
            delay: Self.interval
        ) { _ in bound.value.removeOld() }
    }

    /// Removes what has grown old, if the calendar can be believed.
    private func removeOld() {
        let now = clock.now()
        let instant = clock.instant()
        let jump = calendar.look(
            at: now,
            elapsed: lastPass.map { instant - $0 },
            longestAbsence: settings.retention / 2
        )
        lastPass = instant
        if let jump {
            logger.warning(
                """
                the clock says \(now.iso8601), \(Int(jump / .seconds(3600))) h later than expected; no mail \
                expires until the bus has run by it for some hours, or it is set right
                """
            )
        }
        registry.saveConnected()
        storage.perform { [calendar] store in
            try store.save(calendar)
        } then: { [logger] outcome in
            if case .failure(let error) = outcome { logger.error("the calendar could not be stored: \(error)") }
        }
        guard !calendar.isDoubted else { return }
        expire(at: now)
        let oldest = now - settings.retention
        // Other buses have files there, too, and may know the calendar better.
        guard calendar.wasKnown(before: oldest) else { return }
        storage.perform { [clients] _ in
            clients.removeUnused(since: oldest)
        } then: { _ in
        }
    }

    private func expire(at now: Timestamp) {
        storage.perform { store in
            try store.expire(at: now)
        } then: { [self] outcome in
            switch outcome {
            case .success(let expiry): finish(expiry, at: now)
            case .failure(let error): logger.error("old mail could not be removed: \(error)")
            }
        }
    }

    private func finish(_ expiry: MailStore.Expiry, at now: Timestamp) {
        if expiry.expired + expiry.removed > 0 {
            logger.info("mail grew old: \(expiry.expired) expired unseen, \(expiry.removed) removed")
        }
        for case let session? in expiry.revived.map({ registry[mailbox: $0] }) { delivery.startOver(session) }
        // Mail may have been accepted for a session since the storage looked: the registry knows, and what it forgets
        // gets no more.
        let forgotten = registry.forget(expiry.unused, unusedSince: now - settings.retention)
        if !forgotten.isEmpty {
            storage.perform { store in
                try store.remove(mailboxes: forgotten)
            } then: { [logger] outcome in
                guard case .failure(let error) = outcome else { return }
                logger.error("the mailboxes of old sessions could not be removed: \(error)")
            }
        }
        if expiry.isUnfinished { expire(at: now) }
    }
}
