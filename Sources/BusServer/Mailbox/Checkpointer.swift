import GRDB
import Synchronization

/// Moves what was committed from SQLite's log into the database file, on a connection and a thread of its own.
///
/// SQLite would do it itself, inside a commit, and the bus would wait for the disk: tens of milliseconds, measured.
final class Checkpointer: Sendable {
    /// Of mail, after which it is worth doing: a commit that begins the log anew after a checkpoint waits for the disk,
    /// so that should be rare.
    private static let interval = 16 * 1024 * 1024

    private let connection: DatabaseQueue
    private let state = Mutex((bytes: 0, isRunning: false))

    init(_ connection: DatabaseQueue) {
        self.connection = connection
    }

    /// So much mail was committed.
    func committed(bytes: Int) {
        let isDue = state.withLock { state in
            state.bytes += bytes
            guard state.bytes >= Self.interval, !state.isRunning else { return false }
            state = (0, true)
            return true
        }
        guard isDue else { return }
        connection.asyncWriteWithoutTransaction { [self] database in
            // What is in use stays for the next time; a damaged file is for the writer to find.
            _ = try? database.checkpoint(.passive)
            state.withLock { $0.isRunning = false }
        }
    }

    func close() {
        try? connection.close()
    }
}
