package import NIOCore
package import Platform

/// What the running `client` of a Claude Code session tells the one-shot tools of the same session.
package struct SessionState: Equatable, Sendable {
    package var sessionID: String
    package var name: String
    package var label: String
    /// Proves that a tool belongs to the session; only this user can read it.
    package var nonce: String
    /// Of the client.
    package var processID: Int32
    /// When that process started (``SystemProcess/startTime(of:)``): the number alone may be another process by now. Nil
    /// in a state of version 0.1.0, which did not say so.
    package var processStarted: Int?
    package var host: String
    package var port: Int
    /// ISO 8601, UTC.
    package var createdAt: String

    package init(
        sessionID: String,
        name: String,
        label: String,
        nonce: String,
        processID: Int32,
        processStarted: Int?,
        host: String,
        port: Int,
        createdAt: String
    ) {
        self.sessionID = sessionID
        self.name = name
        self.label = label
        self.nonce = nonce
        self.processID = processID
        self.processStarted = processStarted
        self.host = host
        self.port = port
        self.createdAt = createdAt
    }

    /// The state that a client left or keeps; nil when there is none that can be read.
    package static func read(_ key: SessionKey, in directory: DataDirectory) -> SessionState? {
        guard let content = try? File.read(directory.clientState(key)) else { return nil }
        return try? SessionState(ByteBuffer(bytes: content))
    }

    package func write(_ key: SessionKey, in directory: DataDirectory) throws(PlatformError) {
        try File.replace(directory.clientState(key), with: encode().readableBytesView)
    }

    /// Whether its process runs, and is not another one that has its number.
    var isOfLiveProcess: Bool {
        SystemProcess.isAlive(processID)
            && (processStarted == nil || SystemProcess.startTime(of: processID) == processStarted)
    }

    /// The state of a client that is running now. What a dead one left is removed.
    ///
    /// A client holds its lock for as long as it lives, so a lock that can be taken means that it is dead; while we
    /// hold it no new one can start, and a state that has changed since is not ours to remove.
    package static func ofLiveClient(_ key: SessionKey, in directory: DataDirectory) throws -> SessionState? {
        guard let state = read(key, in: directory) else { return nil }
        guard let lock = try FileLock.tryLock(directory.clientLock(key)) else { return state }
        return withExtendedLifetime(lock) {
            if read(key, in: directory) == state { File.remove(directory.clientState(key)) }
            return nil
        }
    }

    package init(_ text: ByteBuffer) throws {
        let object = try JSONObject(text)
        self.init(
            sessionID: try object.requiredString("session_id"),
            name: try object.string("name") ?? "",
            label: try object.string("label") ?? "",
            nonce: try object.requiredString("nonce"),
            processID: Int32(clamping: try object.integer("listener_pid") ?? 0),
            processStarted: try object.integer("listener_started"),
            host: try object.string("host") ?? "127.0.0.1",
            port: try object.integer("port") ?? BusSettings.defaultPort,
            createdAt: try object.string("created_at") ?? ""
        )
    }

    package func encode() -> ByteBuffer {
        JSONWriter.object { json in
            json.field("session_id", sessionID)
            json.field("name", name)
            json.field("label", label)
            json.field("nonce", nonce)
            json.field("listener_pid", Int(processID))
            json.field("listener_started", ifPresent: processStarted)
            json.field("host", host)
            json.field("port", port)
            json.field("created_at", createdAt)
        }
    }
}
