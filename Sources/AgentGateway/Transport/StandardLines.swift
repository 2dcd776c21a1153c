import InterSessionCore
import NIOCore
import Platform
import Synchronization

/// Standard input and output by lines, each on a thread of its own: whoever is at the other end may make it wait.
final class StandardLines: Sendable {
    struct TooLong: Error, CustomStringConvertible {
        let limit: Int
        var description: String { "a line of standard input is longer than \(limit) bytes" }
    }

    private struct Pending {
        var bytes = ByteBuffer()
        /// As many were looked at, and end no line.
        var searched = 0

        mutating func takeLine() -> ByteBuffer? {
            let view = bytes.readableBytesView
            let start = view.index(view.startIndex, offsetBy: searched)
            guard let end = view[start...].firstIndex(of: UInt8(ascii: "\n")) else {
                searched = view.count
                return nil
            }
            searched = 0
            let line = bytes.readSlice(length: view.distance(from: view.startIndex, to: end))
            bytes.moveReaderIndex(forwardBy: 1)
            return line
        }
    }

    /// Bytes that are read before anybody wants them.
    private static let mostAhead = 1024 * 1024

    private let longest: Int
    private let input = BlockingThread()
    private let output = BlockingThread()
    private let stop: Descriptor
    private let stopper: Descriptor
    private let pending = Mutex(Pending())

    init(longest: Int) throws {
        self.longest = longest
        (stop, stopper) = try Descriptor.pipe()
    }

    /// The next line; nil at the end of the input, and when the task is cancelled.
    func read() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await input.run { [self] in
                while true {
                    if let line = pending.withLock({ $0.takeLine() }) { return line }
                    let more = try StandardStreams.readSome(unless: stop)
                    guard !more.isEmpty else { return nil }
                    try pending.withLock { pending in
                        pending.bytes.discardReadBytes()
                        pending.bytes.writeBytes(more)
                        guard pending.bytes.readableBytes <= longest else { throw TooLong(limit: longest) }
                    }
                }
            }
        } onCancel: {
            try? stopper.write([0])
        }
    }

    /// Returns at the end of the input. What comes before it is kept for ``read()``, so that no line is lost; where that
    /// is much the input is left alone, and only looked at.
    ///
    /// - Throws: `PlatformError`, `CancellationError`.
    func waitForEnd() async throws {
        let (stop, stopper) = try Descriptor.pipe()
        try await withTaskCancellationHandler {
            try await input.run { [self] in
                while pending.withLock({ $0.bytes.readableBytes }) < Self.mostAhead {
                    let more = try StandardStreams.readSome(unless: stop)
                    guard !more.isEmpty else { return }
                    pending.withLock { _ = $0.bytes.writeBytes(more) }
                }
                try StandardStreams.waitForHangup(unless: stop)
            }
        } onCancel: {
            try? stopper.write([0])
        }
        try Task.checkCancellation()
    }

    func write(_ line: consuming ByteBuffer) async throws {
        line.writeInteger(UInt8(ascii: "\n"))
        let bytes = line
        try await output.run {
            try bytes.withUnsafeReadableBytes { bytes throws(PlatformError) in try StandardStreams.write(bytes) }
        }
    }
}
