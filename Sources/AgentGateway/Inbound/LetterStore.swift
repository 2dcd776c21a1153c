import InterSessionCore
import NIOCore

/// Letters on disk, one file each, in the order in which they came. In memory is only what decides on them.
struct LetterStore: Sendable {
    /// Names a letter in its store, and sorts by age.
    typealias Name = MessageID

    struct Entry: Sendable {
        let name: Name
        let key: String
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
            // What is no letter of ours stays where it is.
            if let letter = try? read(name) { note(letter, name) }
        }
    }

    func contains(_ letter: Letter) -> Bool { keys.contains(letter.key) }

    mutating func add(_ letter: Letter, as name: Name) throws(PlatformError) {
        try File.replace(file(of: name), with: letter.encode().readableBytesView)
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
    mutating func move(_ name: Name, to failures: LetterFailures, because reason: some Collection<UInt8>) throws {
        try failures.takeOver(file(of: name), name, because: reason)
        forget(name)
    }

    func file(of name: Name) -> String { "\(path)/\(name).json" }

    private mutating func note(_ letter: Letter, _ name: Name) {
        entries.append(Entry(name: name, key: letter.key, target: letter.toSession))
        keys.insert(letter.key)
    }

    private mutating func forget(_ name: Name) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        keys.remove(entries.remove(at: index).key)
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
        try File.replace("\(path)/\(name).json", with: letter.encode().readableBytesView)
        try File.replace("\(path)/\(name).stderr", with: (reason + "\n").utf8)
    }

    func takeOver(_ file: String, _ name: LetterStore.Name, because reason: some Collection<UInt8>) throws {
        try File.replace("\(path)/\(name).stderr", with: reason)
        try File.rename(file, to: "\(path)/\(name).json")
    }

    /// The newest name in it.
    var lastName: LetterStore.Name? {
        Directory.entries(path).compactMap { LetterStore.Name(String($0.prefix(LetterStore.Name.length))) }.max()
    }
}
