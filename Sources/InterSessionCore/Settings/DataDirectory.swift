/// Where everything of the bus is kept: `$INTER_SESSION_DATA_DIR`, else `~/.claude/data/inter-session`.
///
/// The directory is the user's alone (0700), and so is every file in it (0600).
package struct DataDirectory: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// The directory that the environment names. It need not exist yet.
    ///
    /// - Throws: ``SettingsError/noHome``.
    package static func current() throws(SettingsError) -> DataDirectory {
        if let path = Environment["INTER_SESSION_DATA_DIR"] {
            let isAbsolute = path.hasPrefix("/")
            return DataDirectory(path: isAbsolute ? path : "\(Environment.workingDirectory)/\(path)")
        }
        guard let home = Environment["HOME"] else { throw .noHome }
        return DataDirectory(path: "\(home)/.claude/data/inter-session")
    }

    /// Makes the directory, closed to other users.
    package func prepare() throws(PlatformError) {
        try Directory.ensurePrivate(path)
        try Directory.ensurePrivate("\(path)/clients")
    }

    /// Closes what is in the directory to other users, whatever somebody did to it.
    package func close() throws(PlatformError) {
        for place in [path, "\(path)/clients", gateways] where File.exists(place) { try Directory.close(place) }
    }

    package var token: String { "\(path)/token" }
    package var configuration: String { "\(path)/config.json" }
    package var mail: String { "\(path)/mail.sqlite" }
    package var messageLog: String { "\(path)/messages.log" }
    package var serverLog: String { "\(path)/server.log" }
    /// Holds one directory of tools for each installed version.
    package var libexec: String { "\(path)/libexec" }
    /// Held by whoever changes what is installed; beside `libexec`, which uninstalling removes.
    package var installLock: String { "\(path)/install.lock" }

    /// Held by the gateway of the agent for its whole life; never removed.
    package func gatewayLock(_ agent: AgentName) -> String { "\(gateways)/\(agent).lock" }
    /// Which process that is.
    package func gatewayOwner(_ agent: AgentName) -> String { "\(gateways)/\(agent).owner" }
    /// What the gateway keeps: mail that waits for a session, or that failed.
    package func gatewayMail(_ agent: AgentName) -> String { "\(gateways)/\(agent).mail" }
    package var gateways: String { "\(path)/gateways" }

    package func serverLock(port: Int) -> String { "\(path)/server.\(port).lock" }
    package func serverProcessID(port: Int) -> String { "\(path)/server.\(port).pid" }
    package func serverMeta(port: Int) -> String { "\(path)/server.\(port).pid.meta" }

    package func clientLock(_ key: SessionKey) -> String { "\(path)/clients/\(key).lock" }
    package func clientPrinted(_ key: SessionKey) -> String { "\(path)/clients/\(key).printed" }
    package func clientState(_ key: SessionKey) -> String { "\(path)/clients/\(key).session" }

    /// The Unix socket of the server on that port.
    ///
    /// Where the path would be too long for a socket address it is a short one, in a directory of this user's and
    /// for this data directory alone, which the caller must check with ``prepareSocketDirectory(port:)``.
    package func socket(port: Int) -> String {
        let path = "\(path)/bus.\(port).sock"
        return path.utf8.count <= UnixSocket.longestPath ? path : "\(shortSocketDirectory)/bus.\(port).sock"
    }

    /// Makes sure that nobody else can put a socket where ours is expected.
    package func prepareSocketDirectory(port: Int) throws(PlatformError) {
        guard socket(port: port).hasPrefix(shortSocketDirectory) else { return }
        try Directory.ensurePrivateInSharedPlace(shortSocketDirectory)
    }

    private var shortSocketDirectory: String {
        // FNV-1a tells data directories apart; it guards nothing, the directory's owner and mode do.
        let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let place = Environment["XDG_RUNTIME_DIR"] ?? "/tmp"
        return "\(place)/inter-session-\(SystemProcess.userID)-\(String(hash, radix: 36))"
    }

    /// The directory as a person writes it, with `~` for the home.
    package var abbreviated: String {
        guard let home = Environment["HOME"], path.hasPrefix(home + "/") else { return path }
        return "~" + path.dropFirst(home.utf8.count)
    }
}
