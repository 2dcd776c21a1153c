import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Doctor: Tool {
    static let purpose = "Look at everything that can keep the bus from working, and say how to mend it."
    static let example = "doctor --json"

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let directory = try DataDirectory.current()
        var findings = InstallationCheck(directory).findings
        findings += SettingsCheck(directory, bus).findings
        findings += FilesCheck(directory).findings
        findings += await ServerCheck(directory, bus).findings()
        findings += SessionCheck(directory).findings
        try StandardStreams.print(json ? Self.json(findings) : findings.map(\.line).joined(separator: "\n"))
        if findings.contains(where: { $0.level == .error }) { throw ExitCode.refused }
    }

    private static func json(_ findings: [Finding]) -> String {
        String(
            buffer: JSONWriter.object { json in
                json.field("version", InterSession.version)
                json.field("ok", !findings.contains { $0.level == .error })
                json.field("findings", findings) { $1.write(to: &$0) }
            }
        )
    }
}
