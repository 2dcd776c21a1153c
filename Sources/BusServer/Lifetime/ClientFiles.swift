import InterSessionCore
import Platform

/// What clients leave in the data directory: locks, states, and the ids of what they have printed.
struct ClientFiles: Sendable {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) {
        self.directory = directory
    }

    /// Removes the files of the sessions that no client has listened for since that moment.
    func removeUnused(since moment: Timestamp) {
        let keys = Set(Directory.entries(directory.clients).map { String($0.prefix { $0 != "." }) })
        for key in keys { removeIfUnused(key, since: moment) }
    }

    private func removeIfUnused(_ key: String, since moment: Timestamp) {
        let files = Directory.entries(directory.clients).filter { $0.hasPrefix("\(key).") }
            .map { "\(directory.clients)/\($0)" }
        let lastUsed = files.compactMap { File.modificationTime($0) }.max()
        guard let lastUsed, lastUsed < moment else { return }
        // Whoever listens holds the lock. While it is ours nobody can begin to.
        let path = "\(directory.clients)/\(key).lock"
        guard let lock = try? FileLock.tryLock(path) else { return }
        for file in files where file != path { File.remove(file) }
        lock.remove(path)
    }
}
