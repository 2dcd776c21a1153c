import SystemCalls

/// Standard input, output and error of a tool, unbuffered: what was written was handed to the reader.
package enum StandardStreams {
    /// Writes a line whole.
    ///
    /// - Throws: ``PlatformError``, with ``PlatformError/isBrokenPipe`` when nobody reads any more.
    package static func print(_ line: String) throws(PlatformError) {
        try Descriptor.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }

    /// Writes the text and nothing else.
    package static func write(_ text: String) throws(PlatformError) {
        try Descriptor.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    /// Writes the bytes and nothing else.
    package static func write(_ bytes: UnsafeRawBufferPointer) throws(PlatformError) {
        try Descriptor.write(bytes, to: STDOUT_FILENO)
    }

    /// Returns when some lines, 4 KiB, can be printed at once. Nothing else of the tool waits meanwhile, as it does for
    /// a reader that has stopped reading while a line is printed.
    package static func waitForRoom() async throws {
        while !hasRoom(within: 0) {
            try Task.checkCancellation()
            _ = try await BlockingWork.run { hasRoom(within: 1000) }
        }
    }

    /// - Parameter milliseconds: how long to wait for it.
    private static func hasRoom(within milliseconds: Int32) -> Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&output, 1, milliseconds) > 0
    }

    package static func printError(_ line: String) {
        // There is nowhere to complain when this fails.
        try? Descriptor.write(Array((line + "\n").utf8), to: STDERR_FILENO)
    }

    /// Has standard error go to the file from now on.
    package static func redirectErrors(to file: Descriptor) {
        dup2(file.number, STDERR_FILENO)
    }

    /// All of standard input.
    package static func readInput(limit: Int) throws(PlatformError) -> [UInt8] {
        try Descriptor.readAll(STDIN_FILENO, limit: limit)
    }

    /// What standard input has, waiting for the first byte; nothing at its end, and when `stop` becomes readable.
    package static func readSome(unless stop: Descriptor) throws(PlatformError) -> [UInt8] {
        var entries = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, -1) < 0 {
            guard errno == EINTR else { throw PlatformError("wait for standard input") }
        }
        guard entries[1].revents == 0 else { return [] }
        return try Descriptor.readSome(STDIN_FILENO, atMost: 64 * 1024)
    }

    /// Returns when whoever writes to standard input has gone, or `stop` becomes readable; reads nothing.
    package static func waitForHangup(unless stop: Descriptor) throws(PlatformError) {
        var entries = [
            pollfd(fd: STDIN_FILENO, events: 0, revents: 0),
            pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, -1) < 0 {
            guard errno == EINTR else { throw PlatformError("wait for standard input") }
        }
    }

    /// What comes in that time, to the end of the input at most; nothing from a terminal.
    package static func readInput(within time: Duration, limit: Int) -> [UInt8] {
        guard !inputIsTerminal else { return [] }
        let deadline = ContinuousClock.now + time
        var input: [UInt8] = []
        while input.count < limit {
            let left = (deadline - .now) / .milliseconds(1)
            var ready = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&ready, 1, Int32(left.rounded(.up))) > 0 else { break }
            guard let chunk = try? Descriptor.readSome(STDIN_FILENO, atMost: 64 * 1024), !chunk.isEmpty else { break }
            input += chunk
        }
        return input
    }

    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
}
