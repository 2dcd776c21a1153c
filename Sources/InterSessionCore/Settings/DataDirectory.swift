package import Platform

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
        try Directory.ensurePrivate(clients)
    }

    /// Closes what is in the directory to other users, whatever somebody did to it.
    package func close() throws(PlatformError) {
        let buses = Directory.entries(path).filter { $0.hasPrefix("bus.") && !$0.hasSuffix(".sock") }
        for place in [path, clients, gateways] + buses.map({ "\(path)/\($0)" }) where File.exists(place) {
            try Directory.close(place)
        }
    }

    package var token: String { "\(path)/token" }
    package var configuration: String { "\(path)/config.json" }
    /// Where the bus of that port keeps its mail: `mail.sqlite`, and `messages.log` with its rotations. Each bus has its
    /// own, since each numbers its mailboxes and messages by itself.
    package func bus(port: Int) -> String { "\(path)/bus.\(port)" }
    package func mail(port: Int) -> String { "\(bus(port: port))/mail.sqlite" }
    package func messageLog(port: Int) -> String { "\(bus(port: port))/messages.log" }
    /// Where 0.1.0 keeps the mail of all ports together, as `sharedMessageLog` its log.
    package var sharedMail: String { "\(path)/mail.sqlite" }
    package var sharedMessageLog: String { "\(path)/messages.log" }
    /// Held by a server while it takes over what 0.1.0 kept.
    package var sharedMailLock: String { "\(path)/import.lock" }

    /// The bus that takes over what 0.1.0 kept, which does not say whose it is: that of the only port that ever served
    /// here; of several the usual one, else the lowest.
    package var portOfSharedMail: Int {
        let usual = (try? Configuration.read(from: self))?.port ?? BusSettings.defaultPort
        let ports = Directory.entries(path).compactMap { name in
            name.hasPrefix("server.") && name.hasSuffix(".lock") ? Int(name.dropFirst(7).dropLast(5)) : nil
        }
        return ports.contains(usual) ? usual : ports.min() ?? usual
    }

    package var clients: String { "\(path)/clients" }
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

    package func clientLock(_ key: SessionKey) -> String { "\(clients)/\(key).lock" }
    /// What was printed of the messages of one bus: ids of two buses may be the same.
    package func clientPrinted(_ key: SessionKey, port: Int) -> String { "\(clients)/\(key).\(port).printed" }
    package func clientState(_ key: SessionKey) -> String { "\(clients)/\(key).session" }

    /// The Unix socket of a server on that port which this process starts.
    ///
    /// Where the path would be too long for a socket address it is a short one, in a directory of this user's and
    /// for this data directory alone, which the caller must check with ``prepareSocketDirectory(port:)``. That depends on
    /// the environment, so a server publishes its own, see ``ServerMeta``.
    package func socket(port: Int) -> String {
        hasLongPath(port: port) ? "\(shortSocketDirectory)/bus.\(port).sock" : ownSocket(port: port)
    }

    /// Whether the data directory's own path is too long for a socket.
    package func hasLongPath(port: Int) -> Bool { ownSocket(port: port).utf8.count > UnixSocket.longestPath }

    private func ownSocket(port: Int) -> String { "\(path)/bus.\(port).sock" }

    /// Makes sure that nobody else can put a socket where ours is expected.
    package func prepareSocketDirectory(port: Int) throws(PlatformError) {
        guard hasLongPath(port: port) else { return }
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
