package import Platform

/// The ids of the newest messages that this session was shown, in a file that outlives the process: a message that is
/// delivered again, because its acknowledgement was lost, is not shown again.
///
/// An id is written down right after its line. A process that is killed between the two shows that message once more:
/// the alternative would be not to show one at all.
package struct PrintedMessages: Sendable {
    /// Enough for all that a server may send again.
    private static let kept = WireLimits.printed

    private let path: String
    private var file: Descriptor
    /// In the order in which they were shown.
    private var ids: [MessageID] = []
    private var known: Set<MessageID> = []
    private var linesInFile = 0

    /// What was printed of the messages of one bus.
    ///
    /// - Throws: ``PlatformError``.
    package init(of key: SessionKey, on port: Int, in directory: DataDirectory) throws(PlatformError) {
        let path = directory.clientPrinted(key, port: port)
        // 0.1.0 kept the ids of all buses in one file.
        let former = "\(directory.clients)/\(key).printed"
        if !File.exists(path), File.exists(former) { try File.rename(former, to: path) }
        try self.init(path: path)
    }

    /// Reads the file, which need not exist.
    ///
    /// - Throws: ``PlatformError``.
    package init(path: String) throws(PlatformError) {
        self.path = path
        let length = MessageID.length + 1
        if File.exists(path) {
            let lines = String(decoding: try File.tail(path, count: Self.kept * length), as: UTF8.self).split(
                separator: "\n"
            )
            ids = lines.compactMap { MessageID(String($0)) }
            known = Set(ids)
            // Begins with what is worth keeping, and a line that a crash left unfinished is gone.
            try File.replace(path, with: Self.text(ids).utf8)
            linesInFile = ids.count
        }
        file = try File.openForAppending(path)
    }

    package func contains(_ id: MessageID) -> Bool {
        known.contains(id)
    }

    /// The newest, oldest first.
    package var newest: [MessageID] { ids.suffix(Self.kept) }

    /// - Throws: ``PlatformError``, such as a full disk.
    package mutating func insert(_ id: MessageID) throws(PlatformError) {
        ids.append(id)
        known.insert(id)
        try file.write("\(id)\n".utf8)
        linesInFile += 1
        if ids.count >= 2 * Self.kept { forgetTheOldest() }
        if linesInFile >= 8 * Self.kept {
            try File.truncate(file, to: 0)
            try file.write(Self.text(ids).utf8)
            linesInFile = ids.count
        }
    }

    /// Writes the file again, where it was removed.
    package mutating func restore() throws(PlatformError) {
        try File.replace(path, with: Self.text(ids).utf8)
        file = try File.openForAppending(path)
        linesInFile = ids.count
    }

    private mutating func forgetTheOldest() {
        known.subtract(ids.prefix(Self.kept))
        ids.removeFirst(Self.kept)
    }

    private static func text(_ ids: [MessageID]) -> String {
        ids.map { "\($0)\n" }.joined()
    }
}
