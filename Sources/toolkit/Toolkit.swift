import InterSessionCore
import ToolSupport

/// The program of the tools that do one thing and end.
///
/// Swift's library, SwiftNIO and ArgumentParser are linked once, and not twelve times.
@main
enum Toolkit {
    static let tools: [String: any Tool.Type] = [
        "auto-start": AutoStart.self,
        "disconnect": Disconnect.self,
        "doctor": Doctor.self,
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
        ToolChoice.run(tools)
    }
}
