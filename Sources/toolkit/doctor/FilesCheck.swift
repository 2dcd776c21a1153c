import InterSessionCore
import Platform

/// The data directory: whose it is, who can look in, what was left behind, and how much room there is.
struct FilesCheck {
    private static let littleSpace = 200 * 1_048_576
    private static let noSpace = 20 * 1_048_576

    private let directory: DataDirectory

    init(_ directory: DataDirectory) {
        self.directory = directory
    }

    var findings: [Finding] {
        guard File.exists(directory.path) else {
            return [.ok("data directory", "\(directory.path) is made when it is needed")]
        }
        return [place, modes, token, disk] + leftovers
    }

    private var place: Finding {
        do {
            let mode = File.mode(directory.path) ?? 0
            try directory.prepare()
            guard mode & 0o077 == 0 else {
                return .warning(
                    "data directory",
                    "\(directory.path) was open to other users, and is closed now",
                    fix: "none needed"
                )
            }
            return .ok("data directory", directory.path)
        } catch {
            return .error("data directory", "\(error)", fix: "make it your own, or set INTER_SESSION_DATA_DIR")
        }
    }

    private var files: [String] {
        (["", "clients/", "gateways/"] + buses.map { "\($0)/" }).flatMap { place in
            Directory.entries("\(directory.path)/\(place)").map { "\(directory.path)/\(place)\($0)" }
        }
    }

    /// The directories in which buses keep their mail.
    private var buses: [String] {
        Directory.entries(directory.path).filter { $0.hasPrefix("bus.") && !$0.hasSuffix(".sock") }
    }

    private var modes: Finding {
        let aliases = files.filter { File.isAlias($0) }
        guard aliases.isEmpty else {
            return .error(
                "files",
                "links are not followed: \(aliases.joined(separator: ", "))",
                fix: "remove them, or put the files in their places"
            )
        }
        let open = files.filter { (File.mode($0) ?? 0) & 0o077 != 0 }
        guard open.isEmpty else {
            return .warning(
                "files",
                "open to other users: \(open.joined(separator: ", "))",
                fix: "the next server closes them, or chmod -R go= '\(directory.path)'"
            )
        }
        return .ok("files", "yours alone")
    }

    private var token: Finding {
        guard File.exists(directory.token) else { return .ok("token", "is made with the first server") }
        do {
            _ = try BearerToken(of: directory)
            return .ok("token", "there")
        } catch {
            return .error("token", "\(error)", fix: "remove '\(directory.token)'; the next server makes one")
        }
    }

    private var disk: Finding {
        guard let free = Directory.freeSpace(directory.path) else { return .ok("disk", "the system does not say") }
        let text = "\(free / 1_048_576) MiB free"
        if free < Self.noSpace {
            return .error("disk", text, fix: "free some space: messages cannot be accepted without")
        }
        if free < Self.littleSpace { return .warning("disk", text, fix: "free some space") }
        return .ok("disk", text)
    }

    private var leftovers: [Finding] {
        var findings: [Finding] = []
        let damaged = files.filter { $0.contains("/mail.sqlite.damaged-") }
        if !damaged.isEmpty {
            findings.append(
                .warning(
                    "mail",
                    "databases that were damaged are kept: \(damaged.joined(separator: ", "))",
                    fix: "look for what you miss in messages.log, then remove them"
                )
            )
        }
        if File.exists(directory.sharedMail) {
            let owner = directory.portOfSharedMail
            findings.append(
                .warning(
                    "mail",
                    "mail of version 0.1.0 lies in \(directory.path), which the bus on port \(owner) takes over",
                    fix:
                        "none needed while its server runs: the next one on that port takes it; else start a client there"
                )
            )
        }
        let stale = Directory.entries("\(directory.path)/clients").filter { $0.hasSuffix(".session") }.filter { name in
            let lock = "\(directory.path)/clients/\(name.dropLast(".session".utf8.count)).lock"
            return (try? FileLock.tryLock(lock)) ?? nil != nil
        }
        if !stale.isEmpty {
            findings.append(
                .warning(
                    "clients",
                    "states of clients that are gone: \(stale.joined(separator: ", "))",
                    fix: "none needed: the next tool of such a session removes its own"
                )
            )
        }
        return findings
    }
}
