import InterSessionCore
import Platform

/// What a system must have before the tools can be provided, and how to get what is missing.
struct Requirements {
    struct Item {
        let what: String
        let isPresent: () -> Bool
        /// The package that brings it, for each package manager.
        let packages: [PackageManager: String]
        /// What to do where no package manager helps.
        var otherwise = "your system's package manager"
    }

    enum PackageManager: String, CaseIterable {
        case apt = "apt-get"
        case dnf, pacman, apk, brew

        /// - Parameter package: what is to be installed.
        func commands(_ package: String) -> [Command] {
            switch self {
            // A fresh system, a container above all, has no package lists yet.
            case .apt: [command("update"), command("install", "-y", package)]
            case .dnf: [command("install", "-y", package)]
            case .pacman: [command("-Sy", "--noconfirm", package)]
            case .apk: [command("add", package)]
            case .brew: [command("install", package)]
            }
        }

        private func command(_ arguments: String...) -> Command {
            let needsRoot = self != .brew && SystemProcess.userID != 0
            return Command((needsRoot ? ["sudo"] : []) + [rawValue] + arguments)
        }

        static var present: PackageManager? { allCases.first { Command.find($0.rawValue) != nil } }
    }

    let items: [Item]

    /// Installs what is missing, after the same question as for the rest.
    ///
    /// - Throws: ``InstallError/missing(what:install:)`` where we do not know how.
    func satisfy(_ consent: Consent) throws {
        for item in items where !item.isPresent() {
            guard let manager = PackageManager.present, let package = item.packages[manager] else {
                throw InstallError.missing(what: item.what, install: item.otherwise)
            }
            let commands = manager.commands(package)
            let plan = commands.map(\.description).joined(separator: " && ")
            try consent.ask("\(item.what) is missing. This will run:\n  \(plan)")
            for command in commands { try command.run() }
            guard item.isPresent() else {
                throw InstallError.missing(what: item.what, install: plan)
            }
        }
    }

    static func program(_ name: String, _ packages: [PackageManager: String]) -> Item {
        Item(what: "the program '\(name)'", isPresent: { Command.find(name) != nil }, packages: packages)
    }

    /// SwiftPM fetches with git, and links with the system's C compiler.
    static var toBuild: Requirements {
        Requirements(items: [
            program("git", [.apt: "git", .dnf: "git", .pacman: "git", .apk: "git", .brew: "git"]),
            Item(
                what: "a C compiler with the system's headers and libraries",
                isPresent: { hasCompiler },
                packages: [.apt: "build-essential", .dnf: "gcc-c++", .pacman: "base-devel", .apk: "build-base"],
                otherwise: isMac ? "xcode-select --install" : "your system's package manager"
            ),
            Item(
                what: "the C library to link a program whole",
                isPresent: { isMac || isInLibraries("libc.a") },
                packages: [.apt: "libc6-dev", .dnf: "glibc-static", .pacman: "glibc"]
            ),
            Item(
                what: "the C++ library to link a program whole",
                isPresent: { isMac || hasStaticCxx },
                packages: [.apt: "g++", .dnf: "libstdc++-static", .pacman: "gcc"]
            ),
            Item(
                what: "SQLite with its headers",
                isPresent: { isMac || File.exists("/usr/include/sqlite3.h") },
                packages: [.apt: "libsqlite3-dev", .dnf: "sqlite-devel", .pacman: "sqlite", .apk: "sqlite-dev"]
            ),
        ])
    }

    /// Swift brings a clang of its own, which needs only the headers and GCC's libraries: Swift's own container images
    /// have those and no `cc`.
    private static var hasCompiler: Bool {
        if isMac { return hasXcodeTools }
        if Command.find("cc") != nil { return true }
        return Command.find("clang") != nil && File.exists("/usr/include/stdlib.h")
            && !Directory.entries("/usr/lib/gcc").isEmpty
    }

    private static var isMac: Bool { Command.find("xcode-select") != nil }

    /// macOS has a `cc`, a `git` and a `swift` from the start, which only offer to install the real ones.
    private static var hasXcodeTools: Bool {
        (try? Command("xcode-select", "-p").output().code) == 0
    }

    static var toUnpack: Requirements {
        Requirements(items: [
            program("tar", [.apt: "tar", .dnf: "tar", .pacman: "tar", .apk: "tar"]),
            Item(
                what: "the library of SQLite",
                isPresent: { isMac || hasSQLite },
                packages: [.apt: "libsqlite3-0", .dnf: "sqlite-libs", .pacman: "sqlite", .apk: "sqlite-libs"]
            ),
        ])
    }

    private static var hasSQLite: Bool { isInLibraries("libsqlite3.so.0") }

    /// Where the loader and the linker look, with the directory of the machine's kind that Debian has in between.
    private static func isInLibraries(_ file: String) -> Bool {
        let places = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib"]
        return places.contains { place in
            ([""] + Directory.entries(place)).contains { File.exists("\(place)/\($0)/\(file)") }
        }
    }

    /// It belongs to a compiler: `/usr/lib/gcc/<machine>/<version>/libstdc++.a`.
    private static var hasStaticCxx: Bool {
        let root = "/usr/lib/gcc"
        return Directory.entries(root).contains { machine in
            Directory.entries("\(root)/\(machine)").contains { version in
                File.exists("\(root)/\(machine)/\(version)/libstdc++.a")
            }
        }
    }
}
