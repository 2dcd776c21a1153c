import InterSessionCore
import Platform

/// server.log, where it is the standard error of this process: it begins anew when it is long. Several servers may
/// share it.
struct ServerLog {
    private let path: String
    /// A server that a person started has a standard error of its own.
    private let isOurs: Bool

    init(path: String) {
        self.path = path
        isOurs = FileIdentity.ofStandardError == FileIdentity(of: path)
    }

    /// Must be called now and then.
    func rotateIfLong() {
        guard isOurs else { return }
        if FileIdentity.ofStandardError == FileIdentity(of: path) {
            guard File.size(of: path) ?? 0 > ServerElection.longestLog else { return }
            try? File.rename(path, to: path + ".1")
        }
        // Another server, or a hand, may have moved it.
        if let file = try? File.openForAppending(path) { StandardStreams.redirectErrors(to: file) }
    }
}
