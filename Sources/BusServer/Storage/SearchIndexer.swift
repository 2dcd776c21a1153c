import Logging
import NIOCore

/// Lets the search index grow when there is nothing else to write. Belongs to the event loop.
final class SearchIndexer {
    private static let pause: TimeAmount = .milliseconds(250)

    private let storage: Storage
    private let logger: Logger
    private var isIndexing = false
    private var lastActivity = NIODeadline.distantPast

    init(storage: Storage, logger: Logger) {
        self.storage = storage
        self.logger = logger
    }

    /// Mail was written, and nothing more is to be for now.
    func storageIsIdle() {
        lastActivity = storage.eventLoop.now
        guard !isIndexing else { return }
        isIndexing = true
        schedule(in: Self.pause)
    }

    private func schedule(in delay: TimeAmount) {
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.scheduleTask(in: delay) { bound.value.extendIndex() }
    }

    private func extendIndex() {
        let calm = storage.eventLoop.now - lastActivity
        // Mail goes before: a search indexes what it misses.
        guard calm >= Self.pause else { return schedule(in: Self.pause - calm) }
        storage.perform { store in
            let isUnfinished = try store.extendIndex()
            if !isUnfinished { store.rest() }
            return isUnfinished
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
}
