import NIOCore

/// The event loop's way to the mail store, which lives on a thread of its own.
///
/// What is asked for is done in the order of asking, and the outcomes come back in that order. Much rests on it: what
/// is read after a write includes the write, and a page of a mailbox holds all that was committed before it.
final class Storage {
    /// Does something with the store, and calls the second argument when that replaced the database.
    fileprivate typealias Work = @Sendable (inout MailStore, (_ former: String) -> Void) -> Void

    let eventLoop: any EventLoop
    private let work: AsyncStream<Work>.Continuation
    private let stream: AsyncStream<Work>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        (stream, work) = AsyncStream.makeStream()
    }

    /// What does the work. There must be one only.
    ///
    /// - Parameter databaseWasReplaced: called on the event loop when the database was damaged and an empty one begun,
    ///   with the place where the former one is now.
    func worker(with store: MailStore, databaseWasReplaced: @escaping (_ former: String) -> Void) -> Worker {
        let report = NIOLoopBound(databaseWasReplaced, eventLoop: eventLoop)
        let loop = eventLoop
        return Worker(store: store, work: stream) { place in loop.execute { report.value(place) } }
    }

    /// Does the work, for as long as the storage is open.
    struct Worker: Sendable {
        fileprivate let store: MailStore
        fileprivate let work: AsyncStream<Work>
        fileprivate let databaseWasReplaced: @Sendable (String) -> Void

        /// Runs until the storage is closed and everything asked for is done.
        func run() async {
            let thread = StorageThread()
            await withTaskExecutorPreference(thread) {
                var store = store
                for await work in work { work(&store, databaseWasReplaced) }
                store.close()
            }
            await thread.stop()
        }
    }

    /// Does `body` on the storage's thread, then calls `completion` on the event loop.
    func perform<Outcome: Sendable>(
        _ body: @escaping @Sendable (inout MailStore) throws -> Outcome,
        then completion: @escaping (Result<Outcome, any Error>) -> Void
    ) {
        let completion = NIOLoopBound(completion, eventLoop: eventLoop)
        let loop = eventLoop
        work.yield { store, databaseWasReplaced in
            let outcome = Result { try body(&store) }
            if let place = store.takeFormerPlace() { databaseWasReplaced(place) }
            loop.execute { completion.value(outcome) }
        }
    }

    /// Nothing is asked for from now on; what was asked for is still done.
    func close() {
        work.finish()
    }
}
