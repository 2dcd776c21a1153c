import InterSessionCore
import Logging
import NIOCore
import Platform
import Synchronization

/// The agent's part of a spool in our hands: its directories, its lock, and our word that we are there.
///
/// Others can write there, and may remove it: then it is made again.
final class SpoolOwnership: Sendable {
    /// Where nobody says that something changed it is looked for so often.
    static let lookInterval: Duration = .seconds(2)
    /// How often an owner says that it is there, and after what silence it counts as gone.
    static let leaseInterval: Duration = .seconds(10)
    private static let leaseTime: Duration = .seconds(60)

    private struct State {
        var lock: FileLock
        var watch: DirectoryWatch
    }

    private let directory: SpoolDirectory
    private let logger: Logger
    private let state: Mutex<State>

    /// Takes the agent's part of the spool, and what an owner that is gone was at.
    ///
    /// - Throws: ``SpoolTransport/Owned``, `PlatformError`.
    init(_ directory: SpoolDirectory, logger: Logger) throws {
        self.directory = directory
        self.logger = logger
        try directory.prepare()
        let lock = try Self.lock(directory)
        // The lock is this machine's alone, and may mean nothing on another.
        if let lease = Self.foreignLease(directory) { throw lease.owned }
        // One that is being written, and not as we do it.
        if Lease.read(directory.lease) == nil, let age = Lease.age(directory.lease), age < Self.leaseTime {
            throw SpoolTransport.Owned(host: "another machine", processID: 0)
        }
        // Where there is no room for it now it is tried again.
        try? Lease.write(directory.lease)
        try directory.recoverClaims()
        state = Mutex(State(lock: lock, watch: try Self.watch(directory)))
    }

    private static func lock(_ directory: SpoolDirectory) throws -> FileLock {
        guard let lock = try FileLock.tryLock(directory.lock) else {
            throw Lease.read(directory.lease)?.owned ?? .init(host: SystemProcess.hostName, processID: 0)
        }
        return lock
    }

    private static func watch(_ directory: SpoolDirectory) throws(PlatformError) -> DirectoryWatch {
        try DirectoryWatch(directory.arrivals, atLeastEvery: lookInterval)
    }

    private static func foreignLease(_ directory: SpoolDirectory) -> Lease? {
        guard let lease = Lease.read(directory.lease), lease.host != SystemProcess.hostName, lease.age < leaseTime
        else {
            return nil
        }
        return lease
    }

    /// Speaks of changes in the directory of arrivals, as long as ``ensure()`` does not say that there is another one.
    var changes: AsyncStream<Void> { state.withLock { $0.watch.changes } }

    /// Makes what was removed again.
    ///
    /// - Returns: whether something was, so that ``changes`` is another one.
    /// - Throws: ``SpoolTransport/Owned`` when another gateway was first, `PlatformError`.
    func ensure() throws -> Bool {
        try state.withLock { state in
            let isLocked = state.lock.isInPlace(directory.lock)
            guard !isLocked || !directory.isWhole else { return false }
            try directory.prepare()
            if !isLocked {
                state.lock = try Self.lock(directory)
                try? Lease.write(directory.lease)
                try directory.recoverClaims()
            }
            state.watch = try Self.watch(directory)
            logger.warning("a part of the spool was removed, and is there again")
            return true
        }
    }

    /// Says again and again that we are there, until the task is cancelled.
    ///
    /// - Throws: ``SpoolTransport/Owned`` when an owner on another machine took us for dead.
    func keepLease() async throws {
        defer { if Lease.read(directory.lease)?.isOwn ?? false { File.remove(directory.lease) } }
        var outage = Outage("the spool cannot be told who owns it", logger)
        while true {
            if let lease = Self.foreignLease(directory) { throw lease.owned }
            do {
                try Lease.write(directory.lease)
                outage.end()
                try await pause(Self.leaseInterval)
            } catch let error as PlatformError {
                try? File.touch(directory.lease)
                try await outage.wait(after: error)
            }
        }
    }
}

/// An owner's word that it is there, for machines that cannot see its lock.
private struct Lease {
    let host: String
    let processID: Int
    let age: Duration

    var isOwn: Bool { host == SystemProcess.hostName && processID == Int(SystemProcess.current) }
    var owned: SpoolTransport.Owned { .init(host: host, processID: processID) }

    static func read(_ path: String) -> Lease? {
        guard let content = try? File.read(path), let object = try? JSONObject(ByteBuffer(bytes: content)),
            let host = try? object.string("host"), let age = age(path)
        else { return nil }
        return Lease(host: host, processID: (try? object.integer("pid")) ?? 0, age: age)
    }

    /// How long ago it was written; nil where there is none.
    static func age(_ path: String) -> Duration? {
        guard let time = File.modificationTime(path) else { return nil }
        let now = Timestamp.now().microseconds
        return .microseconds(now - min(now, time.microseconds))
    }

    static func write(_ path: String) throws(PlatformError) {
        let content = JSONWriter.object { json in
            json.field("host", SystemProcess.hostName)
            json.field("pid", Int(SystemProcess.current))
        }
        try File.replace(path, with: content.readableBytesView)
    }
}
