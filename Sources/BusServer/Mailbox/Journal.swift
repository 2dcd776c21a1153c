import InterSessionCore
import Logging
import NIOCore

/// Makes accepted messages last before anybody hears of them, in the order of their acceptance.
///
/// What arrives within one turn of the event loop, or while a batch is being written, is written as one batch. The
/// writing happens in a task of its own: the event loop never waits for a disk.
final class Journal {
    /// What is written of a batch, and where the outcome goes.
    fileprivate struct Batch: Sendable {
        let records: [MessageLog.Record]
        let completed: @Sendable (Result<Void, any Error>) -> Void
    }

    private let eventLoop: any EventLoop
    private let batches: AsyncStream<Batch>.Continuation
    private let writer: Writer
    private var waiting: [AcceptedMessage] = []
    private var isWriting = false
    /// Called on the event loop for each message whose fate is decided.
    var onOutcome: (AcceptedMessage, Result<Void, any Error>) -> Void = { _, _ in }

    init(eventLoop: any EventLoop, log: MessageLog) {
        self.eventLoop = eventLoop
        let (stream, continuation) = AsyncStream.makeStream(of: Batch.self)
        batches = continuation
        writer = Writer(batches: stream, log: log)
    }

    /// The task that writes, for as long as the journal is open.
    struct Writer: Sendable {
        fileprivate let batches: AsyncStream<Batch>
        fileprivate let log: MessageLog

        /// Writes until the journal is closed and everything accepted is written.
        func run() async {
            var log = log
            for await batch in batches {
                batch.completed(Result { try log.append(batch.records) })
            }
        }
    }

    func makeWriter() -> Writer { writer }

    func accept(_ message: AcceptedMessage) {
        waiting.append(message)
        guard !isWriting, waiting.count == 1 else { return }
        // At the end of this turn, so that frames that were read together are written together.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.writeWaiting() }
    }

    /// Nothing is accepted from now on; what was accepted is still written.
    func close() {
        writeWaiting()
        batches.finish()
    }

    private func writeWaiting() {
        guard !isWriting, !waiting.isEmpty else { return }
        isWriting = true
        let batch = waiting
        waiting = []
        let bound = NIOLoopBound((journal: self, batch: batch), eventLoop: eventLoop)
        let loop = eventLoop
        batches.yield(
            Batch(records: batch.map { MessageLog.Record(message: $0.message, recipients: $0.recipients.count) }) {
                outcome in
                loop.execute { bound.value.journal.finish(bound.value.batch, outcome) }
            }
        )
    }

    private func finish(_ batch: [AcceptedMessage], _ outcome: Result<Void, any Error>) {
        isWriting = false
        for message in batch { onOutcome(message, outcome) }
        writeWaiting()
    }
}
