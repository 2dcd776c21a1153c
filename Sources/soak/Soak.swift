import ArgumentParser
import InterSessionCore
import NIOCore
import Platform
import ToolSupport

/// Not installed: `swift run -c release soak`.
@main
struct Soak: Tool {
    static let purpose = "Load a bus with many sessions for a while, and say what became of their messages."
    static let example = "soak --sessions 200 --seconds 600"

    @Option(help: ArgumentHelp("How many sessions there are.", valueName: "number"))
    var sessions = 200

    @Option(help: ArgumentHelp("For how long they write.", valueName: "seconds"))
    var seconds = 120

    @Option(help: ArgumentHelp("How many messages each writes in a minute.", valueName: "number"))
    var perMinute = 120

    @Flag(help: "On the bus of this environment, and not on one of its own.")
    var here = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var bus: BusOptions

    func validate() throws {
        guard (2...10_000).contains(sessions) else { throw ValidationError("--sessions takes 2 to 10000") }
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds takes 1 to 86400") }
        guard (0...6000).contains(perMinute) else { throw ValidationError("--per-minute takes 0 to 6000") }
    }

    func run() async throws {
        SystemProcess.raiseOpenFiles()
        // The server that is started finds its directory there, too.
        if !here { Environment.set("INTER_SESSION_DATA_DIR", to: try Directory.makeTemporary()) }
        let directory = try DataDirectory.current()
        var settings = try bus.settings(directory)
        if !here { settings.port = try FreePort.find() }
        let endpoint = BusEndpoint(directory: directory, settings: settings)
        try directory.prepare()
        let run = SoakRun(
            sessions: sessions,
            seconds: seconds,
            // So rarely that it is never.
            interval: perMinute == 0 ? .seconds(1_000_000) : .seconds(60) / perMinute,
            endpoint: endpoint
        )
        let report = try await run.run()
        if !here {
            if let server = run.server { SystemProcess.send(.terminate, to: server) }
            Directory.removeAll(directory.path)
        }
        try StandardStreams.print(json ? report.json : report.text)
        if let failure = report.failure {
            StandardStreams.printError("error: \(failure)")
            throw ExitCode.refused
        }
    }
}
