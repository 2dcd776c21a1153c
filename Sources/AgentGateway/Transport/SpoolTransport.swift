package import InterSessionCore
package import Logging
package import NIOCore
import Platform

/// Mail through a directory that both sides can write to: on one machine, or shared or synchronised between several.
package struct SpoolTransport: Transport {
    /// Who owns the agent's part of the spool, on whatever machine.
    package struct Owned: Error, Equatable {
        package let host: String
        package let processID: Int
    }

    private let directory: SpoolDirectory
    private let ownership: SpoolOwnership
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
        ownership = try SpoolOwnership(directory, logger: logger)
        rootWatch = try DirectoryWatch(root, atLeastEvery: SpoolOwnership.lookInterval)
    }

    /// Keeps the spool for this process, until the task is cancelled.
    ///
    /// - Throws: ``Owned`` when it is another's now.
    package func run() async throws {
        try await ownership.keepLease()
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
        Arrivals(directory: directory, ownership: ownership, logger: logger)
    }

    package struct Arrivals: AsyncSequence, Sendable {
        fileprivate let directory: SpoolDirectory
        fileprivate let ownership: SpoolOwnership
        fileprivate let logger: Logger

        package func makeAsyncIterator() -> Iterator {
            Iterator(arrivals: self, changes: ownership.changes.makeAsyncIterator())
        }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let arrivals: Arrivals
            fileprivate var changes: AsyncStream<Void>.AsyncIterator
            private var names: [String] = []
            /// It is ours, and could not be read yet.
            private var claimed: String?
            private var outage: Outage

            fileprivate init(arrivals: Arrivals, changes: AsyncStream<Void>.AsyncIterator) {
                self.arrivals = arrivals
                self.changes = changes
                outage = Outage("the spool cannot be read", arrivals.logger)
            }

            package mutating func next() async throws -> Arrival? {
                while true {
                    do {
                        if let arrival = try take() {
                            outage.end()
                            return arrival
                        }
                        if try arrivals.ownership.ensure() {
                            changes = arrivals.ownership.changes.makeAsyncIterator()
                        }
                        names = arrivals.directory.arrived().reversed()
                        guard names.isEmpty else { continue }
                        outage.end()
                    } catch let error as PlatformError {
                        try await outage.wait(after: error)
                        continue
                    }
                    guard await changes.next() != nil else { return nil }
                }
            }

            /// The next of what was there when it was last looked.
            private mutating func take() throws -> Arrival? {
                let directory = arrivals.directory
                while let name = try claim() {
                    let claim = try directory.read(name)
                    claimed = nil
                    switch claim {
                    case .gone: continue
                    case .rejected: arrivals.logger.warning("put '\(name)' aside: it cannot be read as a body")
                    case .body(let body):
                        return Arrival(id: name, sender: SpoolDirectory.agent(of: name), body: body) {
                            directory.discard(name)
                        }
                    }
                }
                return nil
            }

            private mutating func claim() throws -> String? {
                while claimed == nil, let name = names.last {
                    if try arrivals.directory.claim(name) { claimed = name }
                    names.removeLast()
                }
                return claimed
            }
        }
    }
}
