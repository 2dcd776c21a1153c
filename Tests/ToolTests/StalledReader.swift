import Foundation
import TestSupport

/// The reader of a tool's standard output, through a pipe, which reads when it is asked to and not before.
final class StalledReader {
    struct Ended: Error {}

    private let process = Process()
    private let pipe = Pipe()
    private var unread = Data()

    func start(_ tool: String, _ arguments: [String], environment: [String: String]) throws {
        process.executableURL = URL(filePath: BuiltTools.path(tool))
        process.arguments = arguments
        process.environment = environment
        process.standardOutput = pipe
        #if os(Linux)
            // Four pages, so that it is soon full.
            _ = fcntl(pipe.fileHandleForReading.fileDescriptor, 1031 /* F_SETPIPE_SZ */, 4 * 4096)
        #endif
        try process.run()
        // Ours alone is the end that reads, so that the end of the tool is the end of what there is to read.
        try pipe.fileHandleForWriting.close()
    }

    /// The next line. A pipe hands out what it has, never more than is asked for, so the rest waits in it.
    func next() async throws -> String {
        let number = pipe.fileHandleForReading.fileDescriptor
        let text = try await eventually("a line of the tool") { () throws -> Data? in
            while !unread.contains(UInt8(ascii: "\n")) {
                var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
                guard poll(&ready, 1, 0) > 0 else { return nil }
                var byte = [UInt8](repeating: 0, count: 256)
                let count = read(number, &byte, byte.count)
                guard count > 0 else { throw Ended() }
                unread.append(contentsOf: byte.prefix(count))
            }
            return unread
        }
        let end = text.firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex
        unread = Data(text[(end + 1)...])
        return String(decoding: text[..<end], as: UTF8.self)
    }

    func end() {
        process.terminate()
        process.waitUntilExit()
    }
}
