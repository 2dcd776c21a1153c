/// What a connection knows beyond the base protocol (docs/PROTOCOL.md, "Features"). Who names none is served as if
/// there were none.
package struct Features: OptionSet, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let receipts = Features(rawValue: 1 << 0)
    package static let acks = Features(rawValue: 1 << 1)
    package static let hold = Features(rawValue: 1 << 2)
    package static let replies = Features(rawValue: 1 << 3)
    package static let sessions = Features(rawValue: 1 << 4)
    package static let notices = Features(rawValue: 1 << 5)
    package static let history = Features(rawValue: 1 << 6)
    package static let keys = Features(rawValue: 1 << 7)
    package static let gateways = Features(rawValue: 1 << 8)

    private static let byName: [(name: String, feature: Features)] = [
        ("receipts", .receipts), ("acks", .acks), ("hold", .hold), ("replies", .replies), ("sessions", .sessions),
        ("notices", .notices), ("history", .history), ("keys", .keys), ("gateways", .gateways),
    ]

    /// The features of these names; a name that is not known means nothing.
    package init(names: [String]) {
        self = Features(Self.byName.filter { names.contains($0.name) }.map(\.feature))
    }

    package var names: [String] {
        Self.byName.filter { contains($0.feature) }.map(\.name)
    }
}
