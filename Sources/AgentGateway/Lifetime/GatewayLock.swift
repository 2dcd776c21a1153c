package import InterSessionCore
import NIOCore

/// The right to be the one gateway of an agent, which ends with the process.
package struct GatewayLock: Sendable {
    /// Who has it, for people.
    package struct Owner: Sendable, Equatable {
        package let processID: Int
        package let transport: String
        /// ISO 8601, UTC.
        package let since: String
    }

    private let directory: DataDirectory
    private let agent: AgentName
    private let lock: FileLock

    /// Takes the lock; nil when another process has it.
    ///
    /// - Throws: `PlatformError`.
    package init?(_ agent: AgentName, transport: String, in directory: DataDirectory) throws {
        try Directory.ensurePrivate(directory.gateways)
        guard let lock = try FileLock.tryLock(directory.gatewayLock(agent)) else { return nil }
        self.lock = lock
        self.directory = directory
        self.agent = agent
        let owner = JSONWriter.object { json in
            json.field("pid", Int(SystemProcess.current))
            json.field("transport", transport)
            json.field("since", Timestamp.now().iso8601)
        }
        try File.replace(directory.gatewayOwner(agent), with: owner.readableBytesView)
    }

    /// Gives the lock up.
    package func release() {
        File.remove(directory.gatewayOwner(agent))
        withExtendedLifetime(lock) {}
    }

    /// Who has the lock, as far as that process has said already.
    package static func owner(of agent: AgentName, in directory: DataDirectory) -> Owner? {
        guard let content = try? File.read(directory.gatewayOwner(agent)),
            let object = try? JSONObject(ByteBuffer(bytes: content)), let process = try? object.integer("pid")
        else { return nil }
        return Owner(
            processID: process,
            transport: (try? object.string("transport")) ?? "",
            since: (try? object.string("since")) ?? ""
        )
    }
}
