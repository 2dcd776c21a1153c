import Platform

/// What a person reads beside a session's name: up to 60 code points of text in NFC, on one line.
package struct SessionLabel: RawRepresentable, Hashable, Sendable {
    package static let longest = 60
    package static let none = SessionLabel(unchecked: "")

    package let rawValue: String

    package init?(rawValue: String) {
        let composed = rawValue.composed
        guard composed.unicodeScalars.count <= Self.longest else { return nil }
        guard composed.unicodeScalars.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = composed
    }

    /// - Throws: ``WireError/invalidLabel(_:)`` with the rule.
    package init(validating text: String) throws(WireError) {
        guard let label = SessionLabel(rawValue: text) else {
            throw .invalidLabel(
                "a label is up to \(Self.longest) characters with no line break, control or invisible character"
            )
        }
        self = label
    }

    private init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    /// Whatever could break a line or hide in one is out; the plain space is the one separator.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }
}
