package import ArgumentParser
package import InterSessionCore
package import Platform

/// An error that knows how its tool should end.
package protocol ToolError: Error, CustomStringConvertible {
    var exitCode: ExitCode { get }
}

extension SettingsError: ToolError {
    package var exitCode: ExitCode { .usage }
}

extension PlatformError: ToolError {
    package var exitCode: ExitCode { .refused }
}

/// What the bus would refuse is a bad argument before it is sent.
extension WireError: ToolError {
    package var description: String { "\(code): \(message)" }
    package var exitCode: ExitCode { .usage }
}

extension MonitorsFile.Failure: ToolError {
    package var exitCode: ExitCode { .refused }
}

extension BusError: ToolError {
    package var exitCode: ExitCode {
        switch self {
        case .notConnected, .refused: .refused
        case .sessionAway, .noServer, .serverDidNotStart, .noAnswer, .closed, .unreadable: .unreachable
        }
    }
}
