/// What a session is called by agents elsewhere: `^[A-Za-z0-9_:-]{1,32}$`, such as `claude:2`.
///
/// Labels come from others. One that breaks the rule is as if it were not there.
package struct RoutingLabel: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package static let longest = 32

    package let rawValue: String
    package var description: String { rawValue }

    package init?(rawValue: String) {
        guard (1...Self.longest).contains(rawValue.utf8.count) else { return nil }
        let isSafe = rawValue.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isSafe else { return nil }
        self.rawValue = rawValue
    }

    /// The label of a session of this bus: its name, or the beginning of its id where the name is none or too long.
    package init?(ofSession name: String, id: String) {
        self.init(rawValue: name.isEmpty || name.utf8.count > Self.longest ? String(id.prefix(8)) : name)
    }

    /// The session name that the label spells: `claude:2` is `claude-2`.
    package var spelling: String {
        String(
            decoding: rawValue.lowercased().utf8.map { ":_".utf8.contains($0) ? UInt8(ascii: "-") : $0 },
            as: UTF8.self
        )
    }

    /// Whether the two are the same session's.
    package func means(_ other: RoutingLabel) -> Bool { spelling == other.spelling }
}

extension RoutingLabel: Comparable {
    /// By what they spell, where a number at the end counts as one: `claude:9` comes before `claude-10`.
    package static func < (first: RoutingLabel, second: RoutingLabel) -> Bool {
        let (a, b) = (first.sortKey, second.sortKey)
        return (a.stem, a.digits.utf8.count, a.digits, first.rawValue)
            < (b.stem, b.digits.utf8.count, b.digits, second.rawValue)
    }

    /// Digits of any length compare as numbers when the leading zeros are gone and shorter comes first.
    private var sortKey: (stem: Substring, digits: Substring) {
        let spelling = Substring(spelling)
        guard let dash = spelling.lastIndex(of: "-") else { return (spelling, "") }
        let digits = spelling[spelling.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return (spelling, "")
        }
        let number = digits.drop { $0 == "0" }
        return (spelling[..<dash], number.isEmpty ? "0" : number)
    }
}
