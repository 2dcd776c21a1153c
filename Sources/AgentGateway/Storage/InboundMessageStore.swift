import InterSessionCore
import NIOCore
import Platform

/// Messages from outside on disk, one file each, in the order in which they came. In memory is only what decides on them.
struct InboundMessageStore: Sendable {
    /// Names a message in its store, and sorts by age.
    typealias Name = MessageID

    struct Entry: Sendable {
        let name: Name
        let key: String
        let agent: AgentName?
        let target: RoutingLabel?
    }

    private let path: String
    private(set) var entries: [Entry] = []
    /// As bytes: two strings that look alike are one to Swift, and two keys to the bus.
    private var keys: Set<[UInt8]> = []

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
                // What is no message of ours stays where it is.
            }
        }
    }

    func contains(_ message: InboundMessage) -> Bool { keys.contains(Array(message.key.utf8)) }

    mutating func add(_ message: InboundMessage, as name: Name) throws(PlatformError) {
        try Self.write(file(of: name), message.encode().readableBytesView, in: path)
        note(message, name)
    }

    /// - Throws: `PlatformError`, `JSONError`.
    func read(_ name: Name) throws -> InboundMessage {
        try InboundMessage(ByteBuffer(bytes: try File.read(file(of: name), limit: WireLimits.frame * 2)))
    }

    mutating func remove(_ name: Name) {
        File.remove(file(of: name))
        forget(name)
    }

    /// Moves the message to where failed ones are kept, with what went wrong in a file beside it.
    mutating func move(
        _ name: Name,
        to failures: FailedMessages,
        because reason: some Collection<UInt8>
    ) throws(PlatformError) {
        try failures.takeOver(file(of: name), name, because: reason)
        forget(name)
    }

    func file(of name: Name) -> String { "\(path)/\(name).json" }

    private mutating func note(_ message: InboundMessage, _ name: Name) {
        entries.append(Entry(name: name, key: message.key, agent: message.agent, target: message.toSession))
        keys.insert(Array(message.key.utf8))
    }

    /// The file is no message any more, or is gone.
    mutating func forget(_ name: Name) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        keys.remove(Array(entries.remove(at: index).key.utf8))
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

/// Messages that nobody could be given, for a person to look at: `<name>.json`, and why in `<name>.stderr`.
struct FailedMessages: Sendable {
    private let path: String

    init(path: String) throws {
        self.path = path
        try Directory.ensurePrivate(path)
    }

    func add(_ message: InboundMessage, as name: InboundMessageStore.Name, because reason: String) throws(PlatformError)
    {
        // The message last: what is there whole was failed.
        try InboundMessageStore.write("\(path)/\(name).stderr", (reason + "\n").utf8, in: path)
        try InboundMessageStore.write("\(path)/\(name).json", message.encode().readableBytesView, in: path)
    }

    func takeOver(
        _ file: String,
        _ name: InboundMessageStore.Name,
        because reason: some Collection<UInt8>
    ) throws(PlatformError) {
        try InboundMessageStore.write("\(path)/\(name).stderr", reason, in: path)
        try File.rename(file, to: "\(path)/\(name).json")
    }

    /// The newest name in it.
    var lastName: InboundMessageStore.Name? {
        Directory.entries(path).compactMap {
            InboundMessageStore.Name(String($0.prefix(InboundMessageStore.Name.length)))
        }.max()
    }
}
