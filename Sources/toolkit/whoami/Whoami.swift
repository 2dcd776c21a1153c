import ArgumentParser
import InterSessionCore
import NIOCore
import Platform
import ToolSupport

struct Whoami: Tool {
    static let purpose = "Show what this session is called here and outside, and who owns the way outside."
    static let example = "whoami --json"

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let control = try ControlSession(bus)
        let (sessions, gateways) = try await control.ask([.list(all: false)], features: .gateways) { answer in
            if case .listing(let sessions, let gateways, _) = answer { (sessions, gateways) } else { nil }
        }
        let identity = Identity(
            of: control.session,
            sessions: sessions,
            gateways: gateways,
            trusted: try Configuration.read(from: DataDirectory.current()).trustedAgents
        )
        try StandardStreams.print(json ? identity.json : identity.text)
    }
}
