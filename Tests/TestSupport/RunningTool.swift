package import Foundation

/// A process that a test started. Its output goes to files, so that a full pipe cannot block it.
package final class RunningTool: Sendable {
    private let process: Process
    private let outputFile: URL
    private let errorFile: URL

    /// - Parameter input: what the tool reads on standard input; nothing by default.
    package init(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String],
        input: Data = Data(),
        workingDirectory: String? = nil,
        in directory: String
    ) throws {
        let stem = URL(filePath: directory).appending(path: "run-\(UUID().uuidString)")
        outputFile = stem.appendingPathExtension("out")
        errorFile = stem.appendingPathExtension("err")
        let inputFile = stem.appendingPathExtension("in")
        try input.write(to: inputFile)
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = environment
        if let workingDirectory { process.currentDirectoryURL = URL(filePath: workingDirectory) }
        let handles = [
            try FileHandle(forReadingFrom: inputFile), try FileHandle(forWritingTo: outputFile),
            try FileHandle(forWritingTo: errorFile),
        ]
        process.standardInput = handles[0]
        process.standardOutput = handles[1]
        process.standardError = handles[2]
        try process.run()
        // The tool has its own now. Foundation crashes where it gets a number above 1023.
        for handle in handles { try handle.close() }
    }

    package var processID: Int32 { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    /// The file that its standard error goes to.
    package var errorPath: String { errorFile.path }
    package var output: String { Self.text(outputFile) }
    package var errors: String { Self.text(errorFile) }

    /// The lines written so far, unfinished ones left out.
    package var lines: [String] {
        output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Waits for a line of standard output that holds `text`.
    @discardableResult
    package func line(containing text: String) async throws -> String {
        try await eventually("a line with '\(text)'; there was: \(output)\(errors)") {
            lines.first { $0.contains(text) }
        }
    }

    /// Waits for the end.
    @discardableResult
    package func exitCode(within limit: Duration = .seconds(30)) async throws -> Int32 {
        try await eventually("the end of process \(processID)", within: limit) { process.isRunning ? nil : () }
        return process.terminationStatus
    }

    /// Waits for the end, and takes all of it.
    package func finished() async throws -> ToolRun {
        ToolRun(code: try await exitCode(), output: output, errors: errors)
    }

    package func signal(_ number: Int32) {
        kill(process.processIdentifier, number)
    }

    private static func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
}
