import InterSessionCore
import ToolSupport

/// The program of the tools that stay for as long as a session: its client, and its gateway.
@main
enum Resident {
    static func main() {
        ToolChoice.run(["client": Client.self, "gateway": Gateway.self])
    }
}
