import InterSessionCore

/// Who is meant by `to` (docs/PROTOCOL.md, "Addresses").
enum AddressResolver {
    /// A prefix of a session id must be this long to mean one: shorter ones are hit by chance.
    static let shortestIDPrefix = 4

    /// Exact session id, exact name, unique name prefix, unique session id prefix, in this order.
    ///
    /// - Throws: ``WireError/unknownPeer(_:)`` for nobody and for oneself, ``WireError/ambiguous(_:matches:)``.
    static func resolve(_ target: String, from sender: SessionID, in registry: Registry) throws(WireError) -> Agent {
        let exact =
            SessionID(rawValue: target).flatMap { registry[$0] }
            ?? SessionName(rawValue: target).flatMap { registry[$0] }
        if let exact {
            guard exact.id != sender else { throw .unknownPeer("'\(target)' is this session itself") }
            return exact
        }
        guard !target.isEmpty else { throw .unknownPeer("the field 'to' is empty; name a session") }

        // A prefix that a sender shares with others means one of the others.
        let others = registry.agents.filter { $0.id != sender }
        if let one = try only(others.filter { $0.name?.rawValue.hasPrefix(target) ?? false }, target) { return one }
        if target.utf8.count >= shortestIDPrefix,
            let one = try only(others.filter { $0.id.rawValue.hasPrefix(target) }, target)
        {
            return one
        }
        throw .unknownPeer("no session is called '\(target.prefix(64))'; see list for who is here")
    }

    private static func only(_ matches: [Agent], _ target: String) throws(WireError) -> Agent? {
        guard matches.count > 1 else { return matches.first }
        throw .ambiguous(target, matches: matches.map { $0.name?.rawValue ?? $0.id.rawValue }.sorted())
    }
}
