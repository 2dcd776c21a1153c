import NIOCore

/// The event loop's way to the mail store, which lives on a thread of its own.
///
/// What is asked for is done in the order of asking, and the outcomes come back in that order. Much rests on it: what
/// is read after a write includes the write, and a page of a mailbox holds all that was committed before it.
final class Storage {
    fileprivate typealias Work = @Sendable (inout MailStore) -> Void

    let eventLoop: any EventLoop
    private let work: AsyncStream<Work>.Continuation
    let worker: Worker

    init(eventLoop: any EventLoop, store: MailStore) {
        self.eventLoop = eventLoop
        let (stream, continuation) = AsyncStream.makeStream(of: Work.self)
        work = continuation
        worker = Worker(store: store, work: stream)
    }

    /// Does the work, for as long as the storage is open.
    struct Worker: Sendable {
        fileprivate let store: MailStore
        fileprivate let work: AsyncStream<Work>

        /// Runs until the storage is closed and everything asked for is done.
        func run() async {
            let thread = StorageThread()
            await withTaskExecutorPreference(thread) {
                var store = store
                for await work in work { work(&store) }
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
        work.yield { store in
            let outcome = Result { try body(&store) }
            loop.execute { completion.value(outcome) }
        }
    }

    /// Nothing is asked for from now on; what was asked for is still done.
    func close() {
        work.finish()
    }
}
