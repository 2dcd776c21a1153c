package import ArgumentParser
import InterSessionCore
import Platform

/// One executable of the toolkit: its arguments, and what it does with them.
///
/// A tool prints its result on standard output. Whatever it throws becomes one line on standard error.
package protocol Tool: AsyncParsableCommand {
    /// A command line that shows the tool at work, for `--help`.
    static var example: String { get }
    static var purpose: String { get }
}

extension Tool {
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: name,
            abstract: purpose,
            discussion: "Example:\n  \(example)",
            version: InterSession.version
        )
    }

    /// The type's name as a file's: `AutoStart` is `auto-start`.
    private static var name: String {
        String(
            "\(Self.self)".flatMap { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.drop { $0 == "-" }
        )
    }

    /// Runs the tool with the arguments of this process, and ends the process.
    package static func main() {
        // Asked of every tool when it is installed, and it needs neither an event loop nor the options.
        if CommandLine.arguments.dropFirst() == ["--version"] {
            do { return try StandardStreams.print(InterSession.version) } catch { end(error) }
        }
        ToolThread.run {
            do {
                var tool = try parse()
                try await tool.run()
                exit()
            } catch {
                end(error)
            }
        }
    }

    private static func end(_ error: any Error) -> Never {
        switch error {
        case let error as any ToolError:
            StandardStreams.printError("error: \(error)")
            Self.exit(withError: error.exitCode)
        case let code as ExitCode:
            Self.exit(withError: code)
        default:
            break
        }
        let code = exitCode(for: error)
        // Help and version are asked for through errors, and are none.
        guard code == .usage else {
            if code.isSuccess { Self.exit(withError: error) }
            StandardStreams.printError("error: \(error)")
            Self.exit(withError: ExitCode.refused)
        }
        let message = message(for: error).split(separator: "\n").first.map(String.init) ?? "bad arguments"
        StandardStreams.printError("error: \(message); see '\(name) --help'")
        Self.exit(withError: ExitCode.usage)
    }
}
