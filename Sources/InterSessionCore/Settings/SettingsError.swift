/// A setting that cannot be used, and where it came from.
package enum SettingsError: Error, Equatable {
    case noHome
    case notANumber(source: String, value: String, allowed: String)
    case notOneOf(source: String, value: String, allowed: [String])
    case notLoopback(host: String)
    case unreadableConfiguration(path: String, reason: String)
}

extension SettingsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noHome:
            "there is no data directory: neither INTER_SESSION_DATA_DIR nor HOME is set; set one of them"
        case .notANumber(let source, let value, let allowed):
            "\(source) is '\(value)'; it must be a whole number \(allowed)"
        case .notOneOf(let source, let value, let allowed):
            "\(source) is '\(value)'; it must be one of \(allowed.joined(separator: ", "))"
        case .notLoopback(let host):
            "the host '\(host)' is not a loopback address; use 127.0.0.1, ::1 or localhost, the bus serves this machine only"
        case .unreadableConfiguration(let path, let reason):
            "'\(path)' cannot be used: \(reason); mend or remove it"
        }
    }
}
