import InterSessionCore

/// Who is meant by `to` (docs/PROTOCOL.md, "Addresses").
struct AddressResolver {
    /// A prefix of a session id must be this long to mean one: shorter ones are hit by chance.
    static let shortestIDPrefix = 4

    let registry: Registry
    let sender: KnownSession
    /// Whether a session that is away may be meant.
    let mayHold: Bool

    /// Exact id or name, be the session here or away; then a unique prefix of those here; then of those away.
    ///
    /// - Throws: ``WireError/unknownPeer(_:nearest:)`` for nobody and for oneself, ``WireError/ambiguous(_:matches:)``.
    func resolve(_ target: String) throws(WireError) -> KnownSession {
        guard !target.isEmpty else { throw .unknownPeer("the field 'to' is empty; name a session") }
        if let exact = exact(target) {
            guard exact !== sender else { throw .unknownPeer("'\(target)' is this session itself") }
            // A name that is known means its session, even when another one here begins with it.
            guard exact.agent != nil || mayHold else {
                throw .unknownPeer("'\(target)' is offline since \(exact.lastSeen.iso8601)")
            }
            return exact
        }
        // A prefix that a sender shares with others means one of the others.
        let others = registry.sessions.filter { $0 !== sender }
        if let one = try unique(target, among: others.filter { $0.agent != nil }) { return one }
        if mayHold, let one = try unique(target, among: others.filter { $0.agent == nil }) { return one }
        throw .unknownPeer(
            "no session is called '\(target.prefix(64))'; see list for who is here",
            nearest: NearestNames.to(target, among: others.compactMap { $0.name?.rawValue })
        )
    }

    private func exact(_ target: String) -> KnownSession? {
        let byID = SessionID(rawValue: target).flatMap { registry[$0] }
        let byName = SessionName(rawValue: target).flatMap { registry[$0] }
        // Who is here goes before who is away.
        if let byID, byID.agent != nil { return byID }
        if let byName, byName.agent != nil { return byName }
        return byID ?? byName
    }

    private func unique(_ target: String, among sessions: [KnownSession]) throws(WireError) -> KnownSession? {
        if let one = try only(sessions.filter { $0.name?.rawValue.hasPrefix(target) ?? false }, target) { return one }
        guard target.utf8.count >= Self.shortestIDPrefix else { return nil }
        return try only(sessions.filter { $0.id.rawValue.hasPrefix(target) }, target)
    }

    private func only(_ matches: [KnownSession], _ target: String) throws(WireError) -> KnownSession? {
        guard matches.count > 1 else { return matches.first }
        throw .ambiguous(target, matches: matches.map(\.address).sorted())
    }
}
