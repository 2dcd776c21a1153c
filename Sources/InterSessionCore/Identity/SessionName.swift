/// What a session is called on the bus: `^[a-z0-9][a-z0-9-]{0,39}$`.
///
/// A session without a name has none: an optional, never an empty name.
package struct SessionName: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package static let longest = 40

    package let rawValue: String
    package var description: String { rawValue }

    package init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard let first = bytes.first, first != UInt8(ascii: "-"), bytes.count <= Self.longest else { return nil }
        guard bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = rawValue
    }

    /// - Throws: ``WireError/invalidName(_:)`` with the rule.
    package init(validating text: String) throws(WireError) {
        guard let name = SessionName(rawValue: text) else {
            throw .invalidName(
                "a name is 1 to \(Self.longest) of a-z, 0-9 and -, and does not begin with -; got '\(text.prefix(60))'"
            )
        }
        self = name
    }

    /// The name that a directory suggests: what is not allowed becomes a dash. Nil when nothing is left.
    package init?(suggestedBy directory: String) {
        let base = directory.split(separator: "/").last ?? ""
        let dashed = base.lowercased().utf8.map { Self.isAllowed($0) ? $0 : UInt8(ascii: "-") }
        let words = dashed.split(separator: UInt8(ascii: "-")).map { String(decoding: $0, as: UTF8.self) }
        // Room for the suffix that a taken name gets.
        let cut = words.joined(separator: "-").prefix(Self.longest - 4)
        self.init(rawValue: cut.hasSuffix("-") ? String(cut.dropLast()) : String(cut))
    }

    /// The first three of `<name>-2`, `<name>-3`, … that are free.
    package func candidates(isTaken: (SessionName) -> Bool) -> [SessionName] {
        var free: [SessionName] = []
        var number = 2
        while free.count < 3 {
            let suffix = "-\(number)"
            let stem = rawValue.prefix(Self.longest - suffix.utf8.count)
            if let candidate = SessionName(rawValue: stem + suffix), !isTaken(candidate) { free.append(candidate) }
            number += 1
        }
        return free
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
