import ArgumentParser
import Platform

/// A program with many names: it is the tool that it is called as, as busybox does.
package enum ToolChoice {
    /// Runs the tool with the arguments of this process, and ends the process.
    ///
    /// - Parameter tools: by the names that the program may be called by.
    package static func run(_ tools: [String: any Tool.Type]) {
        let name = CommandLine.arguments.first?.split(separator: "/").last ?? ""
        guard let tool = tools[String(name)] else {
            let names = tools.keys.sorted().joined(separator: ", ")
            StandardStreams.printError(
                "error: this program is the tool that it is called as, and '\(name)' is none: \(names)"
            )
            SystemProcess.exit(ExitCode.usage.rawValue)
        }
        tool.main()
    }
}
