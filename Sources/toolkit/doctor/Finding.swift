import InterSessionCore

/// What was seen of one thing, and what to do about it.
struct Finding {
    enum Level: String {
        case ok, warning, error
    }

    let subject: String
    let level: Level
    let text: String
    let fix: String?

    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, level: .ok, text: text, fix: nil)
    }

    static func warning(_ subject: String, _ text: String, fix: String) -> Finding {
        Finding(subject: subject, level: .warning, text: text, fix: fix)
    }

    static func error(_ subject: String, _ text: String, fix: String) -> Finding {
        Finding(subject: subject, level: .error, text: text, fix: fix)
    }

    /// One line, whatever was read from files.
    var line: String {
        let whole = "\(subject): \(text)" + (fix.map { "; fix: \($0)" } ?? "")
        return level.rawValue.padded(to: 9) + SafeText.singleLine(whole.unicodeScalars)
    }

    func write(to json: inout JSONWriter) {
        json.field("subject", subject)
        json.field("level", level.rawValue)
        json.field("text", text)
        json.field("fix", ifPresent: fix)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
