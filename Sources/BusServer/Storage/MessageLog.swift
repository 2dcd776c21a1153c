import InterSessionCore
import NIOCore
import Platform

/// messages.log: one JSON object a line for every accepted message, for people, for `grep`, and for cut notifications.
///
/// Only the mail store touches it.
struct MessageLog {
    /// Large enough to search in one file for weeks of chat, small enough to open.
    static let defaultRotationSize = 50 * 1024 * 1024
    static let keptRotations = 5

    private let path: String
    private let rotationSize: Int
    private var file: Descriptor
    private(set) var size: Int

    /// Opens the log for appending. A last line that a crash left unfinished is finished, so that none runs into it.
    ///
    /// - Throws: `PlatformError`.
    init(path: String, rotationSize: Int = defaultRotationSize) throws {
        self.path = path
        self.rotationSize = rotationSize
        file = try File.openForAppending(path)
        size = try File.size(file)
        if size > 0, try File.tail(path, count: 1) != [UInt8(ascii: "\n")] {
            try file.write("\n".utf8)
            size += 1
        }
    }

    /// Appends a record for each message. What the bus itself says is not logged.
    ///
    /// - Parameter mail: each message as the frame that its receivers get, and how many those are.
    /// - Throws: `PlatformError`, such as a full disk; ``cut(to:)`` then removes what was written of it.
    mutating func append(_ mail: [(frame: ByteBuffer, recipients: Int)]) throws {
        guard !mail.isEmpty else { return }
        var lines = ByteBuffer()
        lines.reserveCapacity(min(Self.mostGathered, mail.reduce(0) { $0 + $1.frame.readableBytes + 32 }))
        for (frame, recipients) in mail {
            let record = ServerFrame.Message.Record(of: frame, recipients: recipients)
            if record.fields.readableBytes < Self.mostGathered {
                record.parts.forEach { lines.writeImmutableBuffer($0) }
                if lines.readableBytes >= Self.mostGathered { try flush(&lines) }
            } else {
                try flush(&lines)
                for part in record.parts { try write(part) }
            }
        }
        try flush(&lines)
    }

    /// Records are gathered up to so many bytes for one write(2); what is as large by itself is not copied for it.
    private static let mostGathered = 64 * 1024

    private mutating func flush(_ lines: inout ByteBuffer) throws {
        try write(lines)
        lines.clear()
    }

    private mutating func write(_ bytes: ByteBuffer) throws {
        try bytes.withUnsafeReadableBytes { try file.write($0) }
        size += bytes.readableBytes
    }

    /// Takes back what was appended behind that size, and not whole.
    mutating func cut(to size: Int) throws {
        try File.truncate(file, to: size)
        self.size = size
    }

    /// Begins a new file when this one is large enough.
    mutating func rotateIfFull() throws {
        if size >= rotationSize { try rotate() }
    }

    /// Begins a new file; this one is kept as the newest of the old ones.
    mutating func rotate() throws {
        try removeOldest()
        for number in stride(from: Self.keptRotations - 1, through: 1, by: -1)
        where File.exists("\(path).\(number)") {
            try File.rename("\(path).\(number)", to: "\(path).\(number + 1)")
        }
        try File.rename(path, to: "\(path).1")
        file = try File.openForAppending(path)
        size = 0
    }

    /// Elsewhere: it takes the file system tens of milliseconds, in which no mail could be stored.
    private func removeOldest() throws {
        let oldest = "\(path).\(Self.keptRotations)"
        guard File.exists(oldest) else { return }
        let discarded = "\(path).discarded"
        try File.rename(oldest, to: discarded)
        BlockingWork.start { File.remove(discarded) }
    }

    /// The newest message id in the log and its rotations, so that ids go on rising after a restart. What version 0.1.0
    /// has left may be newer than what came behind it.
    static func lastID(in path: String) -> MessageID? {
        let files = [path] + (1...keptRotations).map { "\(path).\($0)" }
        return files.compactMap(lastIDInFile).max()
    }

    private static func lastIDInFile(_ path: String) -> MessageID? {
        // The id is the first field of a record, so the last line's beginning must be read, whatever its length.
        var length = 64 * 1024
        while let tail = try? File.tail(path, count: length) {
            let lines = tail.split(separator: UInt8(ascii: "\n"))
            // The first line of the tail may lack its beginning, unless the tail is the whole file.
            let whole = tail.count < length ? lines[...] : lines.dropFirst()
            for line in whole.reversed() {
                guard let object = try? JSONObject(ByteBuffer(bytes: line)) else { continue }
                if let text = try? object.string("msg_id"), let id = MessageID(text) { return id }
            }
            if tail.count < length || length > WireLimits.frame * 2 { return nil }
            length *= 16
        }
        return nil
    }
}
