import InterSessionCore
import Platform

/// A shell command of the user's that answers messages. A message reaches it on standard input alone.
package struct ResponseCommand: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let reason: String
        /// What the command said on standard error.
        let errors: [UInt8]
        var description: String { "the command \(reason)" }
    }

    /// How long a command may take, after which it is stopped with all that it started.
    private static let patience: Duration = .seconds(600)
    /// Says on descriptor 3 how the command ended, which nobody else can take away, and keeps that from the command.
    private static let script = #"/bin/sh -c "$1" 3>&-; echo "$?" >&3"#

    private let command: String

    package init(_ command: String) {
        self.command = command
    }

    /// Runs the command with the content of a file on its standard input.
    ///
    /// - Returns: what it printed, without the line breaks at the end.
    /// - Throws: ``Failure``, `PlatformError`.
    func run(on message: String) async throws -> String {
        let output = "\(message).stdout"
        let errors = "\(message).stderr"
        defer {
            File.remove(output)
            File.remove(errors)
        }
        let (ended, endWriter) = try Descriptor.pipe()
        let process = try start(message, output, errors, endWriter)
        // By then nobody signals it any more: until it is waited for its number is nobody else's.
        defer { BlockingWork.start { process.wait() } }
        let status = await withTaskCancellationHandler {
            try? await BlockingWork.run { ended.readLines(within: Self.patience) { _ in true }.first }
        } onCancel: {
            SystemProcess.killGroup(of: process.processID)
        }
        try Task.checkCancellation()
        guard let status, let code = Int(status) else {
            SystemProcess.killGroup(of: process.processID)
            throw Failure(reason: "was stopped, or took more than \(Self.patience)", errors: Self.tail(errors))
        }
        guard code == 0 else { throw Failure(reason: "ended with exit code \(code)", errors: Self.tail(errors)) }
        guard let text = try? File.read(output, limit: WireLimits.directText + 1) else {
            throw Failure(reason: "said more than \(WireLimits.directText) bytes", errors: Self.tail(errors))
        }
        var answer = String(decoding: text, as: UTF8.self)
        while answer.last?.isNewline == true { answer.removeLast() }
        return answer
    }

    /// Our own end of the pipe is closed on return, so that its end is the command's.
    private func start(
        _ message: String,
        _ output: String,
        _ errors: String,
        _ end: consuming Descriptor
    ) throws -> ChildProcess {
        let input = try File.openForReading(message)
        for file in [output, errors] { File.remove(file) }
        return try ChildProcess.spawn(
            "/bin/sh",
            ["-c", Self.script, "inter-session", command],
            environment: Environment.forChild,
            streams: [
                .descriptor(input), .descriptor(try File.openForAppending(output)),
                .descriptor(try File.openForAppending(errors)), .descriptor(end),
            ],
            // A process group of its own, which can be stopped whole.
            detached: true
        )
    }

    private static func tail(_ path: String) -> [UInt8] {
        (try? File.tail(path, count: 64 * 1024)) ?? []
    }
}
