/// Who is meant beyond this bus: `label@agent` is one session of that agent, `@agent` the agent's primary one.
///
/// No name and no id of a session holds an `@`, so an address is never mistaken for one.
package struct OutsideAddress: Hashable, Sendable, CustomStringConvertible {
    /// What a message shows whose sender does not say which agent it is: nobody can answer it.
    package static let unknownSender = "@?"

    package let label: RoutingLabel?
    package let agent: AgentName

    package init(label: RoutingLabel?, agent: AgentName) {
        self.label = label
        self.agent = agent
    }

    package init?(_ text: String) {
        guard let at = text.lastIndex(of: "@"), let agent = AgentName(rawValue: String(text[text.index(after: at)...]))
        else { return nil }
        let label = String(text[..<at])
        self.agent = agent
        self.label = RoutingLabel(rawValue: label)
        guard label.isEmpty || self.label != nil else { return nil }
    }

    package var description: String { "\(label?.rawValue ?? "")@\(agent)" }
}
