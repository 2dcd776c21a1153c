/// Why a tool has no working connection to the bus.
package enum BusError: Error, Equatable {
    case notConnected
    case sessionAway
    case noServer(port: Int)
    case serverDidNotStart(reason: String)
    case noAnswer
    case closed(code: UInt16?, reason: String)
    case refused(ServerFrame.Failure)
    case unreadable(String)
}

extension BusError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notConnected:
            "not connected; run /inter-session in this Claude Code session first"
        case .sessionAway:
            "this session's listener is reconnecting to the bus; try again in a moment"
        case .noServer(let port):
            "no server answers on port \(port); run /inter-session in this Claude Code session to start it"
        case .serverDidNotStart(let reason):
            "the server did not start: \(reason)"
        case .noAnswer:
            "the server gave no answer in time; look at server.log in the data directory"
        case .closed(let code, let reason):
            "the server closed the connection"
                + (code.map { " (\($0)\(reason.isEmpty ? "" : ": \(reason)"))" } ?? "") + "; try again"
        case .refused(let failure):
            failure.description
        case .unreadable(let reason):
            "the server's answer cannot be read (\(reason)); are server and tools of one version?"
        }
    }
}
