/// What an agent is called by agents elsewhere: `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`. All sessions of a bus are one agent
/// to them.
///
/// It names directories and stands in addresses, so it holds nothing that either could misread.
package struct AgentName: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let longest = 64

    package let rawValue: String
    package var description: String { rawValue }

    package init?(rawValue: String) {
        guard let first = rawValue.utf8.first, Self.isAlphanumeric(first), rawValue.utf8.count <= Self.longest,
            rawValue.utf8.allSatisfy({ Self.isAlphanumeric($0) || "._-".utf8.contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }

    /// - Throws: ``WireError/invalidName(_:)`` with the rule.
    package init(validating text: String) throws(WireError) {
        guard let name = AgentName(rawValue: text) else {
            throw .invalidName(
                "an agent's name is 1 to \(Self.longest) of A-Z, a-z, 0-9, '.', '_' and '-', and begins with a letter or "
                    + "digit; got '\(text.prefix(80))'"
            )
        }
        self = name
    }

    package static func < (first: AgentName, second: AgentName) -> Bool { first.rawValue < second.rawValue }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
