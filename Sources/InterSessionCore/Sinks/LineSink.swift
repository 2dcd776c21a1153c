import Platform

/// Prints mail line by line, and has handed a message over when whoever reads has its lines in the pipe.
package struct LineSink: MessageSink {
    private let lines: @Sendable (IncomingMail) -> [String]
    private let print: @Sendable (String) async throws -> Void

    /// - Parameters:
    ///   - lines: what is printed of a message.
    ///   - print: returns when the line is printed.
    package init(
        print: @escaping @Sendable (String) async throws -> Void = printWhenThereIsRoom,
        lines: @escaping @Sendable (IncomingMail) -> [String]
    ) {
        self.lines = lines
        self.print = print
    }

    package func take(_ mail: [IncomingMail]) async throws -> Handover {
        for message in mail {
            for line in lines(message) { try await print(line) }
        }
        return .received
    }

    /// Prints on standard output. A reader that has stopped reading makes its caller wait, and no event loop.
    ///
    /// - Throws: `PlatformError`, with `isBrokenPipe` when nobody reads any more.
    @Sendable package static func printWhenThereIsRoom(_ line: String) async throws {
        try await StandardStreams.waitForRoom()
        try StandardStreams.print(line)
    }
}
