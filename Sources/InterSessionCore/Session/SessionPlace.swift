package import Platform

/// The place of a session's client in the data directory: its lock, which one process has, and its state file, by which
/// the one-shot tools of the session find it.
package struct SessionPlace: Sendable {
    package let key: SessionKey
    private let directory: DataDirectory
    /// Held for as long as this process receives for the session.
    private var lock: FileLock

    /// Takes the place.
    ///
    /// - Returns: nil when another process has it.
    /// - Throws: `PlatformError`.
    package init?(of key: SessionKey, in directory: DataDirectory) throws(PlatformError) {
        guard let lock = try FileLock.tryLock(directory.clientLock(key)) else { return nil }
        self.key = key
        self.directory = directory
        self.lock = lock
    }

    /// Takes the place, or finds the client that has it. Others have the lock as well, and not for long: each tool that looks
    /// whether a client lives, and `inbox` while it prints.
    ///
    /// - Returns: nil when a client has it, or somebody for longer than `limit`.
    /// - Throws: `PlatformError`, `CancellationError`.
    package static func take(
        _ key: SessionKey,
        in directory: DataDirectory,
        within limit: Duration
    ) async throws -> SessionPlace? {
        let giveUp = ContinuousClock.now + limit
        while true {
            if let place = try SessionPlace(of: key, in: directory) { return place }
            if let state = SessionState.read(key, in: directory), state.isOfLiveProcess { return nil }
            guard .now < giveUp else { return nil }
            try await pause(interval)
        }
    }

    private static let interval: Duration = .milliseconds(20)
    /// For the place again: whoever has it by then is a client that came meanwhile.
    private static let returnDeadline: Duration = .seconds(2)

    /// Whether the lock's file is there, so that it locks others out.
    package var isKept: Bool { lock.isInPlace(directory.clientLock(key)) }

    /// Takes the place again, where the data directory was removed.
    ///
    /// - Returns: false when another process was faster.
    /// - Throws: `PlatformError`, `CancellationError`.
    package mutating func takeAgain() async throws -> Bool {
        try directory.prepare()
        guard let place = try await Self.take(key, in: directory, within: Self.returnDeadline) else { return false }
        self = place
        return true
    }

    /// Tells the tools of the session who it is on which bus.
    ///
    /// - Throws: `PlatformError`.
    package func publish(_ identity: SessionIdentity, on settings: BusSettings) throws(PlatformError) {
        let state = SessionState(
            sessionID: identity.sessionID.rawValue,
            name: identity.name?.rawValue ?? "",
            label: identity.label.rawValue,
            nonce: identity.nonce,
            processID: SystemProcess.current,
            processStarted: SystemProcess.startTime(of: SystemProcess.current),
            host: settings.host,
            port: settings.port,
            createdAt: Timestamp.now().iso8601
        )
        try state.write(key, in: directory)
    }

    /// Takes the state away while the lock is ours: the state of a client that comes next is its own.
    package func leave() {
        if isKept { File.remove(directory.clientState(key)) }
        withExtendedLifetime(lock) {}
    }
}
