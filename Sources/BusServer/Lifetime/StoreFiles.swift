import InterSessionCore
import Platform

/// The files that SQLite keeps the mail in: somebody may remove one, or put another in its place, and what is open goes on
/// as if nothing had happened. Belongs to the event loop.
final class StoreFiles {
    private let path: String
    private var database: FileIdentity?
    private var log: FileIdentity?

    /// - Parameter path: of the database, which is open.
    init(_ path: String) {
        self.path = path
        wereReplaced()
    }

    /// The server itself has put new ones there.
    func wereReplaced() {
        database = FileIdentity(of: path)
        log = FileIdentity(of: path + "-wal")
    }

    var areInPlace: Bool { FileIdentity(of: path) == database && FileIdentity(of: path + "-wal") == log }
}
