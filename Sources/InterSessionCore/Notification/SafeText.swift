/// Text from a peer, made safe to stand in one line of a terminal or a prompt.
///
/// A peer must not be able to begin a line of its own, to move the cursor, or to reorder what a person reads.
package enum SafeText {
    /// What stands for a line break of any kind.
    static let lineBreak: Character = "↵"

    /// Drops escape sequences (ECMA-48) and every control or format character but the tab; turns line breaks into `↵`.
    package static func singleLine(_ text: some Sequence<Unicode.Scalar>) -> String {
        var safe = String.UnicodeScalarView()
        var escape = EscapeSequence()
        var previousWasReturn = false
        for scalar in text {
            defer { previousWasReturn = scalar == "\r" }
            if escape.swallows(scalar) { continue }
            switch scalar {
            case "\n" where previousWasReturn: continue
            case "\n", "\r", "\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}": safe.append("↵")
            case "\t": safe.append(scalar)
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .surrogate: continue
                default: safe.append(scalar)
                }
            }
        }
        return String(safe)
    }

    /// One line that can end no `[…]` around or behind it.
    static func withoutBrackets(_ text: some Sequence<Unicode.Scalar>) -> String {
        replacing(singleLine(text)) { scalar in
            switch scalar {
            case "[": "("
            case "]": ")"
            default: scalar
            }
        }
    }

    /// One line that can stand between quotes in the head of a notification: it can end neither.
    package static func quotable(_ text: some Sequence<Unicode.Scalar>) -> String {
        replacing(withoutBrackets(text)) { scalar in
            switch scalar {
            case "\"": "'"
            case "\t": " "
            default: scalar
            }
        }
    }

    /// By scalars: a bracket or quote with a combining mark behind it is another character, and the same bytes.
    private static func replacing(_ text: String, _ replacement: (Unicode.Scalar) -> Unicode.Scalar) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { safe.append(replacement(scalar)) }
        return String(safe)
    }
}

/// Follows a terminal escape sequence to its end (ECMA-48 §5.3, §5.4 and §5.6).
private struct EscapeSequence {
    private enum State {
        case outside, escape, intermediate, control, string, stringEscape
    }

    private var state = State.outside

    /// True when the scalar belongs to an escape sequence.
    mutating func swallows(_ scalar: Unicode.Scalar) -> Bool {
        switch state {
        case .outside:
            state = Self.start(scalar)
            return state != .outside
        case .escape:
            switch scalar.value {
            case 0x5B: state = .control
            case 0x50, 0x58, 0x5D, 0x5E, 0x5F: state = .string
            case 0x20...0x2F: state = .intermediate
            case 0x30...0x7E: state = .outside
            default: return restart(scalar)
            }
            return true
        case .intermediate:
            if (0x20...0x2F).contains(scalar.value) { return true }
            guard (0x30...0x7E).contains(scalar.value) else { return restart(scalar) }
            state = .outside
            return true
        case .control:
            if (0x20...0x3F).contains(scalar.value) { return true }
            guard (0x40...0x7E).contains(scalar.value) else { return restart(scalar) }
            state = .outside
            return true
        case .string:
            switch scalar.value {
            case 0x07, 0x9C: state = .outside
            case 0x1B: state = .stringEscape
            // A line break ends a string that is never closed, so that a lone opener cannot hide the rest of a text.
            case 0x0A, 0x0D, 0x85, 0x2028, 0x2029:
                state = .outside
                return false
            default: break
            }
            return true
        case .stringEscape:
            guard scalar == "\\" else { return restart(scalar) }
            state = .outside
            return true
        }
    }

    /// The sequence was broken off; the scalar is looked at afresh.
    private mutating func restart(_ scalar: Unicode.Scalar) -> Bool {
        state = Self.start(scalar)
        return state != .outside
    }

    private static func start(_ scalar: Unicode.Scalar) -> State {
        switch scalar.value {
        case 0x1B: .escape
        case 0x9B: .control
        case 0x90, 0x98, 0x9D, 0x9E, 0x9F: .string
        default: .outside
        }
    }
}
