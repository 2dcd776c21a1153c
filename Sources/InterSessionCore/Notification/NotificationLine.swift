/// A message as lines of `client`'s standard output, each of which becomes one notification to the agent.
package enum NotificationLine {
    /// Claude Code cuts a monitor line at 500 characters; a little room is left for what it puts around it. Counted
    /// in UTF-16 units, as it counts.
    package static let longest = 490
    package static let longestText = 400

    /// - Parameters:
    ///   - isTrusted: the user lets the agent outside that it comes from give instructions.
    ///   - log: where the full text of a message is found that does not fit, as a person writes the path.
    package static func lines(for message: ServerFrame.Message, isTrusted: Bool = false, log: String) -> [String] {
        let id = HeadAttribute.id("msg", message.id)
        var head = NotificationHead(id, .quoted("from", sender(message)))
        if isTrusted { head.append(.word("trusted")) }
        head.append(.quoted(message.fromLabel))
        head.append(message.inReplyTo.flatMap { .id("re", $0) })
        if message.isAutomatic { head.append(.word("auto")) }

        let whole = head.text
        let room = min(longestText, longest - whole.utf16.count)
        // A longer text is not looked at beyond what a line can hold, escapes included.
        let shown = message.text.withoutFinalLineBreak
        let text = SafeText.singleLine(shown.unicodeScalars.prefix(longest * 64))
        let isCut = shown.unicodeScalars.count > longest * 64
        if !isCut, text.utf16.count <= room { return [whole + text] }

        let bytes = message.text.utf8.count
        head.append(.number("truncated", bytes))
        let cut = head.text
        return [
            cut + text.prefix(utf16Units: min(longestText, longest - cut.utf16.count)),
            "\(NotificationHead(id, .word("cont")).text)full text \(size(bytes)) at \(log)",
        ]
    }

    /// A line about the bus itself. It may name what a peer has chosen, so it holds no bracket that could end a head or
    /// begin one.
    package static func notice(_ text: String) -> String {
        "\(NotificationHead().text)\(SafeText.withoutBrackets(text.unicodeScalars))".prefix(utf16Units: longest)
    }

    /// What a session is called to a person: its name, else the beginning of its id.
    package static func displayName(name: String, sessionID: String) -> String {
        SafeText.quotable((name.isEmpty ? String(sessionID.prefix(8)) : name).unicodeScalars)
    }

    private static func sender(_ message: ServerFrame.Message) -> String {
        displayName(name: message.fromName, sessionID: message.from)
    }

    private static func size(_ bytes: Int) -> String {
        let (number, unit) =
            bytes < 1024 * 1024
            ? (bytes * 10 / 1024, "KB") : (bytes * 10 / (1024 * 1024), "MB")
        return "\(number / 10).\(number % 10) \(unit)"
    }
}

extension StringProtocol {
    /// The text without one line break at its end, as every line of a shell has one: a `↵` there says nothing.
    package var withoutFinalLineBreak: SubSequence {
        last?.isNewline == true ? dropLast() : self[...]
    }
}

extension String {
    /// As many whole characters from the beginning as fit into `limit` UTF-16 units.
    func prefix(utf16Units limit: Int) -> String {
        var used = 0
        var end = startIndex
        for character in self {
            used += character.utf16.count
            guard used <= limit else { break }
            end = index(after: end)
        }
        // One character with more combining marks than a line holds: cut inside it rather than show nothing.
        if end == startIndex, !isEmpty {
            var scalars = UnicodeScalarView()
            for scalar in unicodeScalars {
                guard scalars.reduce(0, { $0 + UTF16.width($1) }) + UTF16.width(scalar) <= limit else { break }
                scalars.append(scalar)
            }
            return String(scalars)
        }
        return String(self[..<end])
    }
}
