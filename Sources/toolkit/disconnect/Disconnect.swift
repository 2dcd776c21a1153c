import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

struct Disconnect: Tool {
    static let purpose = "Take this session off the bus; its mail waits until it comes back."
    static let example = "disconnect"

    @OptionGroup var bus: BusOptions

    func run() async throws {
        let session = try ControlSession(bus)
        do {
            _ = try await session.ask([.disconnect], features: .sessions) { answer in
                if case .disconnected = answer { true } else { nil }
            }
        } catch let error as BusError where error.exitCode == .unreachable {
            // Without a bus there is no name to free; the listener still has to go.
        }
        let listener = ListenerProcess(session.agent, key: try SessionKey.current(), directory: try .current())
        try await listener.end()
        let name = NotificationLine.displayName(name: session.agent.name, sessionID: session.agent.sessionID)
        try StandardStreams.print("disconnected '\(name)'")
    }
}
