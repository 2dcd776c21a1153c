package import InterSessionCore
package import Logging
import NIOCore
import Platform

/// The right to be the one gateway of an agent, which ends with the process.
package struct GatewayLock: Sendable {
    /// Who has it, for people.
    package struct Owner: Sendable {
        package let processID: Int
        package let transport: String
        /// ISO 8601, UTC.
        package let since: String
        /// Why it is not the owner any more, and the others need not wait to be; nil while it is.
        package let farewell: String?

        fileprivate func isSame(as other: Owner?) -> Bool {
            processID == other?.processID && since == other?.since
        }
    }

    private let directory: DataDirectory
    private let agent: AgentName
    private let lock: FileLock
    private let transport: String
    private let since: String

    /// Takes the lock; nil when another process has it.
    ///
    /// - Throws: `PlatformError`.
    package init?(_ agent: AgentName, transport: String, in directory: DataDirectory) throws {
        try Directory.ensurePrivate(directory.gateways)
        guard let lock = try FileLock.tryLock(directory.gatewayLock(agent)) else { return nil }
        self.lock = lock
        self.directory = directory
        self.agent = agent
        since = Timestamp.now().iso8601
        self.transport = transport
        // What one of before has said. Where there is no room for our own word the lock says enough.
        File.remove(directory.gatewayOwner(agent))
        try? say(farewell: nil)
    }

    /// Says who the owner is.
    ///
    /// - Parameter farewell: why it is not any more.
    private func say(farewell: String?) throws(PlatformError) {
        let owner = JSONWriter.object { json in
            json.field("pid", Int(SystemProcess.current))
            json.field("transport", transport)
            json.field("since", since)
            json.field("left", ifPresent: farewell)
        }
        try File.replace(directory.gatewayOwner(agent), with: owner.readableBytesView)
    }

    /// Gives the lock up.
    ///
    /// - Parameter farewell: why those who wait for it need not; nil where the next one is to take over.
    package func release(farewell: String? = nil) {
        // Where it cannot be said the next one takes over, and finds out by itself.
        if farewell == nil || (try? say(farewell: farewell)) == nil { File.remove(directory.gatewayOwner(agent)) }
        withExtendedLifetime(lock) {}
    }

    /// Waits until the lock is free, or whoever has it says that nobody is needed.
    ///
    /// It looks once a second: a file may be removed under those who sleep until it is unlocked.
    /// - Parameters:
    ///   - mayLeave: false for one that is to be there although nobody else is.
    ///   - report: called once, when there is somebody to wait for.
    /// - Throws: ``Farewell``, `PlatformError`, `CancellationError`.
    package static func wait(
        for agent: AgentName,
        transport: String,
        in directory: DataDirectory,
        mayLeave: Bool,
        _ logger: Logger,
        report: (Owner?) -> Void
    ) async throws -> GatewayLock {
        var owner: Owner?
        var hasReported = false
        while true {
            // The last word of the one that was waited for, not of one before.
            let now = self.owner(of: agent, in: directory)
            if mayLeave, let now, let farewell = now.farewell, now.isSame(as: owner) {
                throw Farewell(reason: farewell)
            }
            if let now, now.farewell == nil { owner = now }
            let lock = try await Outage.outlast("the gateway cannot start", logger) {
                try GatewayLock(agent, transport: transport, in: directory)
            }
            if let lock { return lock }
            if !hasReported { report(owner) }
            hasReported = true
            try await pause(lookInterval)
        }
    }

    private static let lookInterval: Duration = .seconds(1)

    /// The owner has left, and said that nobody need take its place.
    package struct Farewell: Error {
        package let reason: String
    }

    /// Who has the lock, as far as that process has said already.
    package static func owner(of agent: AgentName, in directory: DataDirectory) -> Owner? {
        guard let content = try? File.read(directory.gatewayOwner(agent)),
            let object = try? JSONObject(ByteBuffer(bytes: content)), let process = try? object.integer("pid")
        else { return nil }
        return Owner(
            processID: process,
            transport: (try? object.string("transport")) ?? "",
            since: (try? object.string("since")) ?? "",
            farewell: try? object.string("left")
        )
    }
}
