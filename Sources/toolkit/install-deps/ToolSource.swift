import InterSessionCore
import Platform

/// Where the tools come from.
enum ToolSource {
    /// The sources at this root.
    case checkout(String)
    case tarball(String)

    var requirements: Requirements {
        switch self {
        case .checkout: .toBuild
        case .tarball: .toUnpack
        }
    }

    /// What will be run, as it is shown to the user.
    var command: Command {
        switch self {
        case .checkout(let root):
            Command(
                ["swift", "build", "--package-path", root, "-c", "release"] + BuildFlags.platform
                    + ["--product", "installation"]
            )
        case .tarball(let path):
            Command("tar", "-xf", path)
        }
    }

    /// Puts every tool into the directory.
    func provide(in staging: String) throws {
        switch self {
        case .checkout(let root):
            try command.run()
            try collect(from: "\(root)/.build/release", into: staging)
        case .tarball(let path):
            let archive = path.hasPrefix("/") ? path : "./\(path)"
            try Self.checkNames(of: archive)
            let unpacked = "\(staging)/unpacked"
            try Directory.ensurePrivate(unpacked)
            try Command("tar", "-xf", archive, "-C", unpacked, "--no-same-owner").run()
            try collect(from: try Self.toolDirectory(in: unpacked), into: staging)
            Directory.removeAll(unpacked)
        }
    }

    /// Only plain files and directories below the place where they are unpacked.
    private static func checkNames(of archive: String) throws {
        let (listing, code) = try Command("tar", "-tvf", archive).output()
        guard code == 0 else { throw InstallError.commandFailed("tar -tvf \(archive)", code: code) }
        for line in listing.split(separator: "\n") {
            let isPlain = line.hasPrefix("-") || line.hasPrefix("d")
            let climbs = line.split(separator: " ").contains {
                $0.hasPrefix("/") || $0.split(separator: "/").contains("..")
            }
            guard isPlain, !climbs else { throw InstallError.unsafeTarball(String(line)) }
        }
    }

    /// The tools are at the top of a release, or in the one folder there.
    private static func toolDirectory(in directory: String) throws -> String {
        let places = [directory] + Directory.entries(directory).map { "\(directory)/\($0)" }
        guard let place = places.first(where: { File.exists("\($0)/install-deps") }) else {
            throw InstallError.incompleteRelease(tool: "install-deps")
        }
        return place
    }

    private func collect(from place: String, into staging: String) throws {
        for (program, names) in Installation.programs {
            guard File.exists("\(place)/\(program)") else { throw InstallError.incompleteRelease(tool: program) }
            try File.copy("\(place)/\(program)", to: "\(staging)/\(program)", mode: 0o700)
            for name in names { try File.makeName("\(staging)/\(name)", for: "\(staging)/\(program)") }
        }
    }
}
