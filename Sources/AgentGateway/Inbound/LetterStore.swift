import InterSessionCore
import NIOCore
import Platform

/// Letters on disk, one file each, in the order in which they came. In memory is only what decides on them.
struct LetterStore: Sendable {
    /// Names a letter in its store, and sorts by age.
    typealias Name = MessageID

    struct Entry: Sendable {
        let name: Name
        let key: String
        let agent: AgentName?
        let target: RoutingLabel?
    }

    private let path: String
    private(set) var entries: [Entry] = []
    private var keys: Set<String> = []

    /// Reads what is there.
    ///
    /// - Throws: `PlatformError`.
    init(path: String) throws {
        self.path = path
        try Directory.ensurePrivate(path)
        for file in Directory.entries(path) {
            guard let name = Name(String(file.prefix(Name.length))), file == "\(name).json" else { continue }
            do {
                note(try read(name), name)
            } catch let error as PlatformError where error.isShortage {
                throw error
            } catch {
                // What is no letter of ours stays where it is.
            }
        }
    }

    func contains(_ letter: Letter) -> Bool { keys.contains(letter.key) }

    mutating func add(_ letter: Letter, as name: Name) throws(PlatformError) {
        try Self.write(file(of: name), letter.encode().readableBytesView, in: path)
        note(letter, name)
    }

    /// - Throws: `PlatformError`, `JSONError`.
    func read(_ name: Name) throws -> Letter {
        try Letter(ByteBuffer(bytes: try File.read(file(of: name), limit: WireLimits.frame * 2)))
    }

    mutating func remove(_ name: Name) {
        File.remove(file(of: name))
        forget(name)
    }

    /// Moves the letter to where failed ones are kept, with what went wrong in a file beside it.
    mutating func move(
        _ name: Name,
        to failures: LetterFailures,
        because reason: some Collection<UInt8>
    ) throws(PlatformError) {
        try failures.takeOver(file(of: name), name, because: reason)
        forget(name)
    }

    func file(of name: Name) -> String { "\(path)/\(name).json" }

    private mutating func note(_ letter: Letter, _ name: Name) {
        entries.append(Entry(name: name, key: letter.key, agent: letter.agent, target: letter.toSession))
        keys.insert(letter.key)
    }

    /// The file is no letter any more, or is gone.
    mutating func forget(_ name: Name) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        keys.remove(entries.remove(at: index).key)
    }

    /// Writes a file into a directory that somebody may have removed.
    fileprivate static func write(
        _ file: String,
        _ content: some Collection<UInt8>,
        in directory: String
    ) throws(PlatformError) {
        do throws(PlatformError) {
            try File.replace(file, with: content)
        } catch {
            guard error.isMissingFile else { throw error }
            try Directory.ensurePrivate(directory)
            try File.replace(file, with: content)
        }
    }
}

/// Letters that nobody could be given, for a person to look at: `<name>.json`, and why in `<name>.stderr`.
struct LetterFailures: Sendable {
    private let path: String

    init(path: String) throws {
        self.path = path
        try Directory.ensurePrivate(path)
    }

    func add(_ letter: Letter, as name: LetterStore.Name, because reason: String) throws(PlatformError) {
        // The letter last: what is there whole was failed.
        try LetterStore.write("\(path)/\(name).stderr", (reason + "\n").utf8, in: path)
        try LetterStore.write("\(path)/\(name).json", letter.encode().readableBytesView, in: path)
    }

    func takeOver(
        _ file: String,
        _ name: LetterStore.Name,
        because reason: some Collection<UInt8>
    ) throws(PlatformError) {
        try LetterStore.write("\(path)/\(name).stderr", reason, in: path)
        try File.rename(file, to: "\(path)/\(name).json")
    }

    /// The newest name in it.
    var lastName: LetterStore.Name? {
        Directory.entries(path).compactMap { LetterStore.Name(String($0.prefix(LetterStore.Name.length))) }.max()
    }
}
