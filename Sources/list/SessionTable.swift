import InterSessionCore
import NIOCore

/// The sessions on the bus, for a person or for a program.
struct SessionTable {
    private static let widestDirectory = 40

    private let sessions: [ServerFrame.SessionSummary]

    init(_ sessions: [ServerFrame.SessionSummary]) {
        self.sessions = sessions
    }

    var text: String {
        var table = Table(header: ["NAME", "LABEL", "CWD", "SINCE", "ID"])
        for session in sessions {
            table.add([
                session.name.isEmpty ? "-" : session.name,
                session.label.isEmpty ? "-" : session.label,
                // The directory is whatever a peer said.
                Table.cutOnTheLeft(
                    SafeText.singleLine(session.workingDirectory.unicodeScalars),
                    to: Self.widestDirectory
                ),
                session.since,
                session.sessionID,
            ])
        }
        return table.lines.joined(separator: "\n")
    }

    static func json(_ sessions: [ServerFrame.SessionSummary]) -> String {
        let objects = sessions.map { session in String(buffer: JSONWriter.object { session.write(to: &$0) }) }
        return "[\(objects.joined(separator: ","))]"
    }
}
