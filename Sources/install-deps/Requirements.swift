import InterSessionCore

/// What a system must have before the tools can be provided, and how to get what is missing.
struct Requirements {
    struct Item {
        let what: String
        let isPresent: () -> Bool
        /// The package that brings it, for each package manager.
        let packages: [PackageManager: String]
    }

    enum PackageManager: String, CaseIterable {
        case apt = "apt-get"
        case dnf, pacman, apk, brew

        var install: [String] {
            switch self {
            case .apt, .dnf: [rawValue, "install", "-y"]
            case .pacman: ["pacman", "-S", "--noconfirm"]
            case .apk: ["apk", "add"]
            case .brew: ["brew", "install"]
            }
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
                throw InstallError.missing(what: item.what, install: "your system's package manager")
            }
            let needsRoot = manager != .brew && SystemProcess.userID != 0
            let command = Command((needsRoot ? ["sudo"] : []) + manager.install + [package])
            try consent.ask("\(item.what) is missing. This will run:\n  \(command)")
            try command.run()
            guard item.isPresent() else { throw InstallError.missing(what: item.what, install: "\(command)") }
        }
    }

    static func program(_ name: String, _ packages: [PackageManager: String]) -> Item {
        Item(what: "the program '\(name)'", isPresent: { Command.find(name) != nil }, packages: packages)
    }

    /// SwiftPM fetches with git, and links with the system's C compiler.
    static var toBuild: Requirements {
        Requirements(items: [
            program("git", [.apt: "git", .dnf: "git", .pacman: "git", .apk: "git", .brew: "git"]),
            program("cc", [.apt: "build-essential", .dnf: "gcc-c++", .pacman: "base-devel", .apk: "build-base"]),
        ])
    }

    static var toUnpack: Requirements {
        Requirements(items: [program("tar", [.apt: "tar", .dnf: "tar", .pacman: "tar", .apk: "tar"])])
    }
}
