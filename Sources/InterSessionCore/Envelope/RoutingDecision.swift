/// What becomes of mail from outside that names no session.
package enum UnroutedPolicy: String, CaseIterable, Sendable {
    /// The session with the lowest label gets it.
    case primary
    /// All sessions get it.
    case broadcast
    /// Nobody gets it.
    case drop

    /// `INTER_SESSION_UNROUTED_POLICY`, else ``primary``.
    ///
    /// - Throws: ``SettingsError/notOneOf(source:value:allowed:)``.
    package init(environment: (String) -> String?) throws(SettingsError) {
        let name = "INTER_SESSION_UNROUTED_POLICY"
        guard let text = environment(name) else {
            self = .primary
            return
        }
        guard let policy = UnroutedPolicy(rawValue: text) else {
            throw .notOneOf(source: name, value: text, allowed: Self.allCases.map(\.rawValue))
        }
        self = policy
    }
}

/// Which sessions get a message from outside (docs/PROTOCOL.md, "Routing").
package enum RoutingDecision: Equatable, Sendable {
    case deliver([RoutingLabel])
    /// It is decided again whenever a session appears.
    case hold
    case drop

    /// - Parameters:
    ///   - target: the session that the message names.
    ///   - live: the labels of the sessions that are here.
    ///   - primary: the one of them that gets what names nobody.
    package init(
        to target: RoutingLabel?,
        live: [RoutingLabel],
        primary: RoutingLabel?,
        policy: UnroutedPolicy
    ) {
        if let target {
            let meant = live.filter { $0.means(target) }
            // Two that one label could mean: it waits until one of them is gone, rather than reach the wrong one.
            self = meant.count == 1 ? .deliver(meant) : .hold
            return
        }
        guard let primary, !live.isEmpty else {
            self = .hold
            return
        }
        switch policy {
        case .primary: self = .deliver([primary])
        case .broadcast: self = .deliver(live)
        case .drop: self = .drop
        }
    }
}
