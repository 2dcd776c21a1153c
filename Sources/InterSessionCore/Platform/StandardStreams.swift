import SystemCalls

/// Standard input, output and error of a tool, unbuffered: what was written was handed to the reader.
package enum StandardStreams {
    /// Writes a line whole.
    ///
    /// - Throws: ``PlatformError``, with ``PlatformError/isBrokenPipe`` when nobody reads any more.
    package static func print(_ line: String) throws(PlatformError) {
        try Descriptor.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }

    package static func printError(_ line: String) {
        // There is nowhere to complain when this fails.
        try? Descriptor.write(Array((line + "\n").utf8), to: STDERR_FILENO)
    }

    /// All of standard input.
    package static func readInput(limit: Int) throws(PlatformError) -> [UInt8] {
        try Descriptor.readAll(STDIN_FILENO, limit: limit)
    }

    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
}
