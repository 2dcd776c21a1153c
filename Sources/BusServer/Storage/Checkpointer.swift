import GRDB
import InterSessionCore
import Platform
import Synchronization

/// Moves what was committed from SQLite's log into the database file, on a connection and a thread of its own.
///
/// SQLite would do it itself, inside a commit, and the bus would wait for the disk: tens of milliseconds, measured.
final class Checkpointer: Sendable {
    /// Of the log, after which it is worth doing.
    private static let interval = 8 * 1024 * 1024
    /// About what a commit writes beside the mail: some pages of tables and indexes, however small it is.
    private static let bytesPerCommit = 64 * 1024
    /// Pages of the log, 16 MiB, beyond which it must begin anew. While mail comes without a pause there is always
    /// some of it that was not moved, and the log only grows: 40 MiB a second were seen. It may grow by as much again
    /// before the next look.
    private static let longestLog = 1024
    /// Bytes of the log beyond which nothing more is committed until it has begun anew. Whoever commits without a pause
    /// leaves no moment for it: 250 MiB were seen with messages of 10 MiB.
    private static let mostLog = 32 * 1024 * 1024
    /// How long a checkpoint waits for whoever reads the database, or writes: another process may, for hours.
    private static let patience = 100
    /// Bytes of the log that may stay when nothing is written.
    private static let restingLog = 2 * 1024 * 1024

    private struct State {
        var bytes = 0
        /// Bytes of the log, beyond which the writer waits.
        var mostLog = Checkpointer.mostLog
        var isRunning = false
        var isClosed = false
    }

    private let connection: DatabaseQueue
    private let log: String
    private let thread = BlockingThread()
    private let state = Mutex(State())

    /// - Throws: `DatabaseError`.
    init(_ connection: DatabaseQueue) throws {
        self.connection = connection
        log = connection.path + "-wal"
        try connection.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA busy_timeout = \(Self.patience)")
        }
    }

    /// So much was committed, by the caller, who commits nothing meanwhile: it waits here when the log is too long.
    func committed(bytes: Int) {
        if size > state.withLock({ $0.mostLog }) {
            checkpoint(truncates: true)
            let size = size
            // Where somebody reads in it, which nobody can change, it is tried again when it has grown as much again.
            state.withLock { $0.mostLog = max(Self.mostLog, size + Self.mostLog / 2) }
        }
        let isDue = state.withLock { state in
            state.bytes += bytes + Self.bytesPerCommit
            guard state.bytes >= Self.interval, !state.isRunning else { return false }
            state.bytes = 0
            state.isRunning = true
            return true
        }
        guard isDue else { return }
        thread.start { [self] in
            // First its receivers get what was committed: a large message keeps both processors busy.
            SystemProcess.yield(milliseconds: 20)
            checkpoint()
            state.withLock { $0.isRunning = false }
        }
    }

    private var size: Int { File.size(of: log) ?? 0 }

    /// Nothing is written for now: makes the log short.
    func rest() {
        guard size > Self.restingLog else { return }
        thread.start { [self] in checkpoint(truncates: true) }
    }

    private func checkpoint(truncates: Bool = false) {
        try? connection.writeWithoutTransaction { database in
            // SQLite does not bear to be asked for anything when it is closed.
            guard !state.withLock({ $0.isClosed }) else { return }
            // What is in use stays for the next time; a damaged file is for the writer to find.
            let log = try database.checkpoint(.passive)
            // Little is left to be moved now, so commits wait for milliseconds only. While mail comes the file keeps its
            // length: to write where the system holds pages of it already costs less than to have it give new ones.
            if truncates || size > Self.mostLog {
                _ = try database.checkpoint(.truncate)
            } else if log.walFrameCount > Self.longestLog {
                _ = try database.checkpoint(.restart)
            }
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        try? connection.close()
        thread.end()
    }
}
