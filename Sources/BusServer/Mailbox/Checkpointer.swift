import GRDB
import InterSessionCore
import Synchronization

/// Moves what was committed from SQLite's log into the database file, on a connection and a thread of its own.
///
/// SQLite would do it itself, inside a commit, and the bus would wait for the disk: tens of milliseconds, measured.
final class Checkpointer: Sendable {
    /// Of the log, after which it is worth doing.
    private static let interval = 16 * 1024 * 1024
    /// About what a commit writes beside the mail: some pages of tables and indexes, however small it is.
    private static let bytesPerCommit = 64 * 1024
    /// Pages of the log, 64 MiB, beyond which it must begin anew. While mail comes without a pause there is always
    /// some of it that was not moved, and the log only grows: 40 MiB a second were seen.
    private static let longestLog = 4096

    private let connection: DatabaseQueue
    private let thread = BlockingThread()
    private let state = Mutex((bytes: 0, isRunning: false))

    init(_ connection: DatabaseQueue) {
        self.connection = connection
    }

    /// So much was committed.
    func committed(bytes: Int) {
        let isDue = state.withLock { state in
            state.bytes += bytes + Self.bytesPerCommit
            guard state.bytes >= Self.interval, !state.isRunning else { return false }
            state = (0, true)
            return true
        }
        guard isDue else { return }
        thread.start { [self] in
            // First its receivers get what was committed: a large message keeps both processors busy.
            SystemProcess.yield(milliseconds: 20)
            try? connection.writeWithoutTransaction { database in
                // What is in use stays for the next time; a damaged file is for the writer to find.
                let log = try database.checkpoint(.passive)
                // Little is left to be moved now, so commits wait for milliseconds only.
                if log.walFrameCount > Self.longestLog { _ = try database.checkpoint(.truncate) }
            }
            state.withLock { $0.isRunning = false }
        }
    }

    func close() {
        try? connection.close()
    }
}
