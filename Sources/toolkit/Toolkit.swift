import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

/// The program that every tool but the server is: it does what its name says, as busybox does.
///
/// Swift's library, SwiftNIO and ArgumentParser are linked once, and not fourteen times.
@main
enum Toolkit {
    static let tools: [String: any Tool.Type] = [
        "auto-start": AutoStart.self,
        "client": Client.self,
        "disconnect": Disconnect.self,
        "doctor": Doctor.self,
        "gateway": Gateway.self,
        "inbox": Inbox.self,
        "install-deps": InstallDeps.self,
        "list": List.self,
        "log": Log.self,
        "rename": Rename.self,
        "send": Send.self,
        "session-start": SessionStart.self,
        "show": Show.self,
        "whoami": Whoami.self,
    ]

    static func main() {
        let name = CommandLine.arguments.first?.split(separator: "/").last ?? ""
        guard let tool = tools[String(name)] else {
            let names = tools.keys.sorted().joined(separator: ", ")
            StandardStreams.printError(
                "error: this program is the tool that it is called as, and '\(name)' is none: \(names)"
            )
            Send.exit(withError: ExitCode.usage)
        }
        tool.main()
    }
}
