import InterSessionCore
import Platform

/// The programs that are measured, in a directory of their own.
///
/// `swift run` builds the tools under one of their names only, so the others are given here.
struct ToolLinks: Sendable {
    let path: String

    private static let names = ["client", "send", "list"]

    /// - Parameters:
    ///   - tools: where `server` is, and at least one of the other tools.
    ///   - ours: where this program is, and `nothing`.
    init(to tools: String, ours: String) throws {
        guard File.isExecutable("\(tools)/server"),
            let toolkit = (Self.names + ["whoami"]).first(where: { File.isExecutable("\(tools)/\($0)") })
        else {
            throw BenchBus.Failure(
                description: "there are no tools in '\(tools)'; build everything first, or give --tools"
            )
        }
        path = try Directory.makeTemporary()
        try File.makeLink("\(path)/server", to: "\(tools)/server")
        try File.makeLink("\(path)/nothing", to: "\(ours)/nothing")
        for name in Self.names { try File.makeLink("\(path)/\(name)", to: "\(tools)/\(toolkit)") }
    }

    func remove() {
        Directory.removeAll(path)
    }

    /// Bytes of all tools as they are installed: two programs.
    var installedSize: Int? {
        let sizes = ["server", "send"].compactMap { File.size(of: "\(path)/\($0)") }
        return sizes.count == 2 ? sizes.reduce(0, +) : nil
    }
}
