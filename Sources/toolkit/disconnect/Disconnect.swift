import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Disconnect: Tool {
    static let purpose = "Take this session off the bus; its mail waits until it comes back."
    static let example = "disconnect"

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let control = try ControlSession(bus)
        do {
            _ = try await control.ask([.disconnect], features: .sessions) { answer in
                if case .disconnected = answer { true } else { nil }
            }
        } catch let error as BusError where error.exitCode == .unreachable {
            // Without a bus there is no name to free; the client still has to go.
        }
        let session = control.session
        let client = ClientProcess(session, key: try SessionKey.current(), directory: try .current())
        try await client.end()
        let name = NotificationLine.displayName(name: session.name, sessionID: session.sessionID)
        try StandardStreams.print("disconnected '\(name)'")
    }
}
