import InterSessionCore
import Platform

/// The programs that are measured, in a directory of their own.
///
/// `swift run` builds each program under one of its names only, so the others are given here.
struct ToolLinks: Sendable {
    let path: String

    /// The names that are measured, and all that their program may have been built under.
    private static let programs = [
        (names: ["client"], built: ["client", "gateway"]),
        (names: ["send", "list"], built: ["install-deps", "send", "whoami"]),
        (names: ["server"], built: ["server"]),
    ]

    /// - Parameters:
    ///   - tools: where the programs are, each under at least one of its names.
    ///   - ours: where this program is, and `nothing`.
    init(to tools: String, ours: String) throws {
        path = try Directory.makeTemporary()
        try File.makeLink("\(path)/nothing", to: "\(ours)/nothing")
        for program in Self.programs {
            guard let built = program.built.first(where: { File.isExecutable("\(tools)/\($0)") }) else {
                Directory.removeAll(path)
                throw BenchBus.Failure(
                    description: "'\(tools)' has no \(program.built[0]); build everything first, or give --tools"
                )
            }
            for name in program.names { try File.makeLink("\(path)/\(name)", to: "\(tools)/\(built)") }
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
