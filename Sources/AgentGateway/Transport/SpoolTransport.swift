package import InterSessionCore
package import Logging
package import NIOCore

/// Mail through a directory that both sides can write to: on one machine, or shared or synchronised between several.
package struct SpoolTransport: Transport {
    /// Who owns the agent's part of the spool, on whatever machine.
    package struct Owned: Error, Equatable {
        package let host: String
        package let processID: Int
    }

    /// Where nobody says that something changed it is looked for so often.
    private static let lookInterval: Duration = .seconds(2)
    /// How often an owner says that it is there, and after what silence it counts as gone.
    private static let leaseInterval: Duration = .seconds(10)
    private static let leaseTime: Duration = .seconds(60)

    private let directory: SpoolDirectory
    private let lock: FileLock
    private let watch: DirectoryWatch
    private let rootWatch: DirectoryWatch
    /// A disk may take its time.
    private let disk = BlockingThread()
    private let logger: Logger

    package var label: String { "spool" }

    /// Takes the agent's part of the spool, and what an owner that is gone was at.
    ///
    /// - Throws: ``Owned``, `PlatformError`.
    package init(root: String, agent: AgentName, logger: Logger) throws {
        directory = SpoolDirectory(root: root, agent: agent)
        self.logger = logger
        try directory.prepare()
        let lease = Lease.read(directory.lease)
        guard let lock = try FileLock.tryLock(directory.lock) else {
            throw Owned(host: lease?.host ?? SystemProcess.hostName, processID: lease?.processID ?? 0)
        }
        self.lock = lock
        // The lock is this machine's alone, and may mean nothing on another.
        if let lease, lease.host != SystemProcess.hostName, lease.age < Self.leaseTime {
            throw Owned(host: lease.host, processID: lease.processID)
        }
        try Lease.write(directory.lease)
        try directory.recoverClaims()
        watch = try DirectoryWatch(directory.arrivals, atLeastEvery: Self.lookInterval)
        rootWatch = try DirectoryWatch(root, atLeastEvery: Self.lookInterval)
    }

    /// Keeps the spool for this process, until the task is cancelled.
    package func run() async throws {
        defer { File.remove(directory.lease) }
        while true {
            try Lease.write(directory.lease)
            try await pause(Self.leaseInterval)
        }
    }

    package func send(_ body: ByteBuffer, to agent: AgentName, id: MessageID) async throws(TransportError) {
        do {
            try await disk.run { [directory] in try directory.publish(body, to: agent, id: id) }
        } catch {
            throw .failed("\(error)")
        }
    }

    package func watchAgents(_ report: @Sendable (Set<AgentName>) async -> Void) async {
        var known: Set<AgentName>?
        for await _ in rootWatch.changes {
            let agents = directory.otherAgents()
            if agents != known { await report(agents) }
            known = agents
        }
    }

    package func receive() -> Arrivals {
        Arrivals(directory: directory, watch: watch, logger: logger)
    }

    package struct Arrivals: AsyncSequence, Sendable {
        fileprivate let directory: SpoolDirectory
        fileprivate let watch: DirectoryWatch
        fileprivate let logger: Logger

        package func makeAsyncIterator() -> Iterator {
            Iterator(arrivals: self, changes: watch.changes.makeAsyncIterator())
        }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let arrivals: Arrivals
            fileprivate var changes: AsyncStream<Void>.AsyncIterator
            private var names: [String] = []

            fileprivate init(arrivals: Arrivals, changes: AsyncStream<Void>.AsyncIterator) {
                self.arrivals = arrivals
                self.changes = changes
            }

            package mutating func next() async throws -> Arrival? {
                let directory = arrivals.directory
                while true {
                    while let name = names.popLast() {
                        guard try directory.claim(name) else { continue }
                        guard let body = try directory.read(name) else {
                            arrivals.logger.warning("put '\(name)' aside: it cannot be read as a body")
                            continue
                        }
                        return Arrival(id: name, sender: SpoolDirectory.agent(of: name), body: body) {
                            directory.discard(name)
                        }
                    }
                    names = directory.arrived().reversed()
                    guard names.isEmpty else { continue }
                    guard await changes.next() != nil else { return nil }
                }
            }
        }
    }
}

/// An owner's word that it is there, for machines that cannot see its lock.
private struct Lease {
    let host: String
    let processID: Int
    let age: Duration

    static func read(_ path: String) -> Lease? {
        guard let content = try? File.read(path), let object = try? JSONObject(ByteBuffer(bytes: content)),
            let host = try? object.string("host"), let time = File.modificationTime(path)
        else { return nil }
        let now = Timestamp.now().microseconds
        return Lease(
            host: host,
            processID: (try? object.integer("pid")) ?? 0,
            age: .microseconds(now - min(now, time.microseconds))
        )
    }

    static func write(_ path: String) throws(PlatformError) {
        let content = JSONWriter.object { json in
            json.field("host", SystemProcess.hostName)
            json.field("pid", Int(SystemProcess.current))
        }
        try File.replace(path, with: content.readableBytesView)
    }
}
