import InterSessionCore
import Platform
import ToolSupport

/// The tools of this version in `<data>/libexec`.
///
/// `libexec/<version>` is a link to a directory of its own for each installation. Replacing the link is one step: a
/// launcher finds the old tools or the new, and never half of them.
struct Installation {
    /// All there is on disk, and the tools that are further names of each (hard links: a process shows its own).
    static let programs: [String: [String]] = [
        "server": [], "client": ["gateway"], "install-deps": Toolkit.tools.keys.filter { $0 != "install-deps" },
    ]
    static let tools = programs.flatMap { [$0.key] + $0.value }.sorted()

    let directory: DataDirectory

    var versionLink: String { "\(directory.libexec)/\(InterSession.version)" }

    /// Keeps everybody else from installing: who comes second would sweep away what the first is staging.
    ///
    /// - Throws: ``InstallError/busy``.
    func lock() throws -> FileLock {
        guard let lock = try FileLock.tryLock(directory.installLock) else { throw InstallError.busy }
        return lock
    }

    /// An empty directory for the tools of a new installation.
    func makeStaging() throws -> String {
        let path = "\(directory.libexec)/\(InterSession.version)-\(Secret.hexadecimal(bytes: 4))"
        try Directory.ensurePrivate(directory.libexec)
        try Directory.ensurePrivate(path)
        return path
    }

    /// Runs each tool once.
    ///
    /// - Throws: ``InstallError`` for the first that is missing, of another version, or of another machine's kind.
    func verify(_ place: String) throws {
        for tool in Self.tools {
            let said = try version(of: "\(place)/\(tool)")
            guard said == InterSession.version else { throw InstallError.wrongVersion(tool: tool, said: said) }
        }
    }

    /// Makes the staged tools the installed ones.
    func publish(_ staging: String) throws {
        let name = String(staging.dropFirst(directory.libexec.utf8.count + 1))
        let link = "\(staging).link"
        try File.makeLink(link, to: name)
        do {
            if !File.isLink(versionLink) { Directory.removeAll(versionLink) }
            try File.rename(link, to: versionLink)
        } catch {
            File.remove(link)
            throw error
        }
        removeOldDirectories(except: name)
    }

    func check() throws {
        guard File.exists(versionLink) else {
            try StandardStreams.print("not installed: there is no \(versionLink)")
            throw InstallError.notInstalled
        }
        var failures = 0
        for tool in Self.tools {
            let said = (try? version(of: "\(versionLink)/\(tool)")) ?? "does not run"
            if said != InterSession.version { failures += 1 }
            try StandardStreams.print("\(tool): \(said.isEmpty ? "does not run" : said)")
        }
        guard failures == 0 else { throw InstallError.notInstalled }
        try StandardStreams.print("installed: \(InterSession.version) in \(versionLink)")
    }

    func remove(_ consent: Consent) throws {
        guard File.exists(directory.libexec) else {
            try StandardStreams.print("nothing to remove: there is no \(directory.libexec)")
            return
        }
        try consent.ask("This will remove \(directory.libexec)")
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        Directory.removeAll(directory.libexec)
        guard !File.exists(directory.libexec) else { throw InstallError.notRemoved(directory.libexec) }
        try StandardStreams.print("removed \(directory.libexec)")
    }

    private func version(of tool: String) throws -> String {
        guard File.isExecutable(tool) else { return "" }
        let (text, code) = try Command(tool, "--version").output()
        return code == 0 ? text.split(separator: "\n").first.map(String.init) ?? "" : ""
    }

    /// Of this version only: sessions that run an older one may start its server yet.
    private func removeOldDirectories(except current: String) {
        for name in Directory.entries(directory.libexec)
        where name.hasPrefix("\(InterSession.version)-") && name != current {
            Directory.removeAll("\(directory.libexec)/\(name)")
        }
    }
}
