package import Platform
import Synchronization

/// The ids of the newest messages that this session has received, in a file that outlives the process: a message that is
/// delivered again, because its acknowledgement was lost, is not handed over again.
///
/// An id is written down right after its message was handed over. A process that is killed between the two hands that
/// message over once more: the alternative would be not to hand one over at all.
package final class ReceivedMessages: Sendable {
    /// Enough for all that a server may send again.
    fileprivate static let kept = WireLimits.printed

    private struct State {
        var file: Descriptor
        /// In the order in which they were received.
        var ids: [MessageID] = []
        var known: Set<MessageID> = []
        var linesInFile = 0

        /// Adds the newest id to the file, which begins anew when it has grown long.
        mutating func writeLast() throws(PlatformError) {
            linesInFile += 1
            if linesInFile >= 8 * ReceivedMessages.kept {
                try File.truncate(file, to: 0)
                try file.write(ReceivedMessages.text(ids).utf8)
                linesInFile = ids.count
            } else if let id = ids.last {
                try file.write("\(id)\n".utf8)
            }
        }
    }

    private let path: String
    private let state: Mutex<State>

    /// What was received of the messages of one bus.
    ///
    /// - Throws: ``PlatformError``.
    package convenience init(of key: SessionKey, on port: Int, in directory: DataDirectory) throws(PlatformError) {
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
        var ids: [MessageID] = []
        if File.exists(path) {
            let lines = String(decoding: try File.tail(path, count: Self.kept * length), as: UTF8.self).split(
                separator: "\n"
            )
            ids = lines.compactMap { MessageID(String($0)) }
            // Begins with what is worth keeping, and a line that a crash left unfinished is gone.
            try File.replace(path, with: Self.text(ids).utf8)
        }
        let file = try File.openForAppending(path)
        state = Mutex(State(file: file, ids: ids, known: Set(ids), linesInFile: ids.count))
    }

    package func contains(_ id: MessageID) -> Bool {
        state.withLock { $0.known.contains(id) }
    }

    /// The newest, oldest first.
    package var newest: [MessageID] { state.withLock { Array($0.ids.suffix(Self.kept)) } }

    /// Where the disk takes nothing, such as a full one, only this process knows it: the message was handed over, and must be
    /// acknowledged all the same, or it would come again and again.
    package func insert(_ id: MessageID) {
        state.withLock { state in
            state.ids.append(id)
            state.known.insert(id)
            if state.ids.count >= 2 * Self.kept {
                state.known.subtract(state.ids.prefix(Self.kept))
                state.ids.removeFirst(Self.kept)
            }
            try? state.writeLast()
        }
    }

    /// Writes the file again, where it was removed.
    ///
    /// - Throws: `PlatformError`.
    package func restore() throws(PlatformError) {
        try state.withLock { state throws(PlatformError) in
            try File.replace(path, with: Self.text(state.ids).utf8)
            state.file = try File.openForAppending(path)
            state.linesInFile = state.ids.count
        }
    }

    fileprivate static func text(_ ids: [MessageID]) -> String {
        ids.map { "\($0)\n" }.joined()
    }
}
