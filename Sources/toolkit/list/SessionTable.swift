import InterSessionCore
import ToolSupport

/// The sessions on the bus, for a person.
struct SessionTable {
    private static let widestDirectory = 40

    private let sessions: [ServerFrame.SessionSummary]
    private let showsAll: Bool
    private let isLong: Bool

    init(_ sessions: [ServerFrame.SessionSummary], showsAll: Bool = false, isLong: Bool = false) {
        self.sessions = sessions
        self.showsAll = showsAll
        self.isLong = isLong
    }

    var text: String {
        var header = ["NAME", "LABEL", "CWD", "SINCE"]
        if showsAll { header += ["STATE", "WAITING"] }
        if isLong { header += ["PID", "IDLE"] }
        var table = Table(header: header + ["ID"])
        for session in sessions { table.add(row(session)) }
        return table.lines.joined(separator: "\n")
    }

    private func row(_ session: ServerFrame.SessionSummary) -> [String] {
        var cells = [
            session.name.isEmpty ? "-" : session.name,
            session.label.isEmpty ? "-" : session.label,
            // The directory is whatever a peer said.
            Table.cutOnTheLeft(SafeText.singleLine(session.workingDirectory.unicodeScalars), to: Self.widestDirectory),
            session.since,
        ]
        let details = session.details
        if showsAll { cells += [details?.isOnline ?? true ? "here" : "away", "\(details?.waiting ?? 0)"] }
        if isLong {
            cells += [
                details?.processID.map(String.init) ?? "-",
                details?.idleSeconds.map { Age(seconds: $0).description } ?? "-",
            ]
        }
        return cells + [session.sessionID]
    }
}
