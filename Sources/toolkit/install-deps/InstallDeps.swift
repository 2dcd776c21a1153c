import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct InstallDeps: Tool {
    static let purpose = "Build or unpack the tools, install them for this user, and test them."
    static let example = "install-deps --yes"

    @Flag(help: "Do not ask.")
    var yes = false

    @Option(help: ArgumentHelp("Unpack a built release instead of building.", valueName: "tarball"))
    var from: String?

    @Flag(help: "Say what is installed, and whether it runs.")
    var check = false

    @Flag(help: "Remove what is installed.")
    var uninstall = false

    func validate() throws {
        guard [check, uninstall, from != nil].filter({ $0 }).count <= 1 else {
            throw ValidationError("give one of --from, --check and --uninstall")
        }
    }

    func run() throws {
        let installation = Installation(directory: try DataDirectory.current())
        let consent = Consent(isGiven: yes)
        if check { return try installation.check() }
        if uninstall { return try installation.remove(consent) }
        let source: ToolSource = if let from { .tarball(from) } else { .checkout(try checkout()) }
        try install(source, into: installation, consent)
    }

    private func checkout() throws -> String {
        guard let root = PluginRoot.current, File.exists("\(root)/Package.swift") else { throw InstallError.noSources }
        guard Command.find("swift") != nil else { throw InstallError.noSwift }
        return root
    }

    /// Nothing that is installed is touched before the new tools have passed their test.
    private func install(_ source: ToolSource, into installation: Installation, _ consent: Consent) throws {
        try source.requirements.satisfy(consent)
        try consent.ask("This will run:\n  \(source.command)\nand install the tools in \(installation.versionLink)")
        try installation.directory.prepare()
        let lock = try installation.lock()
        defer { withExtendedLifetime(lock) {} }
        let staging = try installation.makeStaging()
        do {
            try source.provide(in: staging)
            try installation.verify(staging)
            let exchange = try SelfTest(tools: staging).run()
            try installation.publish(staging)
            try StandardStreams.print("installed \(InterSession.version) in \(installation.versionLink)")
            try StandardStreams.print(exchange)
        } catch {
            Directory.removeAll(staging)
            throw error
        }
    }
}
