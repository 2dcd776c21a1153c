import InterSessionCore
import Logging
import NIOCore

/// What is done for the mail when nobody waits: the search index grows, and what is old goes. Belongs to the event loop.
final class Housekeeping {
    private static let indexPause: TimeAmount = .milliseconds(250)
    private static let expiryInterval: TimeAmount = .minutes(30)

    private let storage: Storage
    private let registry: Registry
    private let logger: Logger
    private var isIndexing = false
    private var lastActivity = NIODeadline.distantPast

    init(storage: Storage, registry: Registry, logger: Logger) {
        self.storage = storage
        self.registry = registry
        self.logger = logger
    }

    func start() {
        expire()
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.expiryInterval,
            delay: Self.expiryInterval
        ) { _ in bound.value.expire() }
    }

    /// Mail was written, and nothing more is to be for now.
    func journalIsIdle() {
        lastActivity = storage.eventLoop.now
        guard !isIndexing else { return }
        isIndexing = true
        schedule(in: Self.indexPause)
    }

    private func schedule(in delay: TimeAmount) {
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.scheduleTask(in: delay) { bound.value.extendIndex() }
    }

    private func extendIndex() {
        let calm = storage.eventLoop.now - lastActivity
        // Mail goes before: a search indexes what it misses.
        guard calm >= Self.indexPause else { return schedule(in: Self.indexPause - calm) }
        storage.perform { store in
            try store.extendIndex()
        } then: { [self] outcome in
            switch outcome {
            case .success(true): schedule(in: .zero)
            case .success(false): isIndexing = false
            case .failure(let error):
                isIndexing = false
                logger.error("the search index could not be written: \(error)")
            }
        }
    }

    private func expire() {
        let present = Set(registry.agents.map(\.session.mailbox))
        storage.perform { store in
            try store.expire(at: .now(), sparing: present)
        } then: { [self] outcome in
            switch outcome {
            case .success(let expiry):
                registry.forget(expiry.mailboxes)
                if expiry.expired + expiry.removed > 0 {
                    logger.info("mail grew old: \(expiry.expired) expired unseen, \(expiry.removed) removed")
                }
                if expiry.isUnfinished { expire() }
            case .failure(let error):
                logger.error("old mail could not be removed: \(error)")
            }
        }
    }
}
