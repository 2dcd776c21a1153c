import Platform

/// Who a session is, for as long as its Claude Code session lives: `^[A-Za-z0-9_-]{4,64}$`.
package struct SessionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String
    package var description: String { rawValue }

    package init?(rawValue: String) {
        guard (4...64).contains(rawValue.utf8.count) else { return nil }
        let isAllowed = rawValue.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isAllowed else { return nil }
        self.rawValue = rawValue
    }

    /// - Throws: ``WireError/invalidPayload(_:)`` with the rule.
    package init(validating text: String) throws(WireError) {
        guard let id = SessionID(rawValue: text) else {
            throw .invalidPayload("the field 'session_id' must be 4 to 64 of A-Z, a-z, 0-9, _ and -")
        }
        self = id
    }

    /// A fresh one: 128 random bits in hexadecimal.
    package static func random() -> SessionID {
        SessionID(unchecked: Secret.hexadecimal(bytes: 16))
    }

    private init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    /// What a person sees of a session that has no name.
    package var short: String { String(rawValue.prefix(8)) }
}
