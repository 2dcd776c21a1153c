import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

/// The `client` of this session, which shall end.
struct ClientProcess {
    enum Failure: Error, Equatable {
        case notOurs(processID: Int32, executable: String)
        /// The number belongs to a process that started at another time.
        case another(processID: Int32)
        /// The state does not say when the client started.
        case unproven(processID: Int32)
        case stays(processID: Int32)
    }

    /// How long it may take to leave by itself, and after each signal.
    private static let patience: Duration = .seconds(2)

    private let state: SessionState
    private let key: SessionKey
    private let directory: DataDirectory

    init(_ state: SessionState, key: SessionKey, directory: DataDirectory) {
        self.state = state
        self.key = key
        self.directory = directory
    }

    /// Waits for its end, and helps where it does not come.
    ///
    /// - Throws: ``Failure``.
    func end() async throws {
        if try await isGone() { return }
        for signal in [SystemProcess.Signal.terminate, .kill] {
            try prove()
            SystemProcess.send(signal, to: state.processID)
            if try await isGone() { return }
        }
        throw Failure.stays(processID: state.processID)
    }

    /// A client holds its lock for as long as it lives.
    private func isGone() async throws -> Bool {
        let giveUp = ContinuousClock.now + Self.patience
        repeat {
            if try SessionState.ofLiveClient(key, in: directory) == nil { return true }
            try await pause(.milliseconds(10))
        } while .now < giveUp
        return false
    }

    /// The number may belong to another process by now, even to the `client` of another session: only a `client` that
    /// lies where our tools lie, and started when this one did, is signalled.
    private func prove() throws {
        let executable = SystemProcess.executable(of: state.processID) ?? "an unknown program"
        let expected = try? ToolLocator.path(of: "client", in: directory)
        let isOurs = [expected, expected.flatMap(File.resolved)].contains(executable)
        guard isOurs else { throw Failure.notOurs(processID: state.processID, executable: executable) }
        guard let started = state.processStarted else { throw Failure.unproven(processID: state.processID) }
        guard SystemProcess.startTime(of: state.processID) == started else {
            throw Failure.another(processID: state.processID)
        }
    }
}

extension ClientProcess.Failure: ToolError {
    var description: String {
        switch self {
        case .notOurs(let processID, let executable):
            "the listener did not leave, and process \(processID) is \(executable), not the client of this "
                + "installation; it was left alone; end it yourself if it is one of an older version"
        case .another(let processID):
            "the listener did not leave, and process \(processID) is not it, but a client that started at another time; "
                + "it was left alone; find the listener of this session with ps, and end it yourself"
        case .unproven(let processID):
            "the listener did not leave, and it is one of version 0.1.0, which did not write down when it started, so "
                + "process \(processID) may be another session's client; it was left alone; look at it with "
                + "ps -p \(processID), and end it with kill \(processID) if it is this session's"
        case .stays(let processID):
            "the listener (process \(processID)) does not end; look at it with ps"
        }
    }

    var exitCode: ExitCode { .refused }
}
