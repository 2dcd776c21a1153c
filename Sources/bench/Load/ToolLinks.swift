import InterSessionCore
import Platform

/// The programs that are measured, in a directory of their own.
///
/// SwiftPM builds each program under one of its names; the others are given here.
struct ToolLinks: Sendable {
    let path: String

    /// - Parameters:
    ///   - tools: where the programs are.
    ///   - ours: where this program is, and `nothing`.
    init(to tools: String, ours: String) throws {
        path = try Directory.makeTemporary()
        try File.makeLink("\(path)/nothing", to: "\(ours)/nothing")
        for (name, program) in ["server": "server", "client": "client", "send": "install-deps", "list": "install-deps"]
        {
            guard File.isExecutable("\(tools)/\(program)") else {
                Directory.removeAll(path)
                throw BenchBus.Failure(
                    description: "'\(tools)' has no \(program); build everything first, or give --tools"
                )
            }
            try File.makeLink("\(path)/\(name)", to: "\(tools)/\(program)")
        }
    }

    func remove() {
        Directory.removeAll(path)
    }

    /// Bytes of all tools as they are installed: three programs.
    var installedSize: Int? {
        let sizes = ["server", "client", "send"].compactMap { File.size(of: "\(path)/\($0)") }
        return sizes.count == 3 ? sizes.reduce(0, +) : nil
    }
}
