import InterSessionCore
import Testing

@Suite("routing from outside")
struct RoutingDecisionTests {
    private func labels(_ texts: String) throws -> [RoutingLabel] {
        try texts.split(separator: " ").map { try #require(RoutingLabel(rawValue: String($0))) }
    }

    @Test(
        "who gets a message",
        arguments: [
            // target, live, policy, decision
            ("claude:2", "claude-1 claude-2", UnroutedPolicy.primary, "claude-2"),
            ("Claude_2", "claude-1 claude-2", .drop, "claude-2"), ("claude:3", "claude-1 claude-2", .broadcast, "hold"),
            ("claude:3", "", .primary, "hold"), ("", "claude-10 claude-9", .primary, "claude-9"),
            ("", "claude-2 claude-1", .broadcast, "claude-2 claude-1"), ("", "claude-1", .drop, "drop"),
            ("", "", .primary, "hold"), ("", "", .broadcast, "hold"), ("", "", .drop, "hold"),
            // Two that one label could mean.
            ("deadbeef", "deadbeef deadbeef", .primary, "hold"), ("a:b", "a-b A_b", .primary, "hold"),
        ]
    )
    func decisions(target: String, live: String, policy: UnroutedPolicy, decision: String) throws {
        let live = try labels(live)
        let decided = RoutingDecision(
            to: RoutingLabel(rawValue: target),
            live: live,
            primary: live.min(),
            policy: policy
        )
        let expected: RoutingDecision =
            switch decision {
            case "hold": .hold
            case "drop": .drop
            default: .deliver(try labels(decision))
            }
        #expect(decided == expected)
    }

    @Test(
        "labels sort by what they spell, and by number",
        arguments: [
            ["claude", "claude:1", "claude-2", "claude:9", "claude-10", "claude-100"], ["a-9", "a:10", "b-1"],
            ["api", "api-x", "web"], ["x-1", "x-99999999999999999998", "x-99999999999999999999"],
        ]
    )
    func order(sorted: [String]) throws {
        let labels = try labels(sorted.joined(separator: " "))
        #expect(labels.shuffled().sorted() == labels)
    }

    @Test(
        "a session's label is its name, or the beginning of its id",
        arguments: [
            ("api", "0b5e8c1e-1111", "api"), ("", "0b5e8c1e-1111", "0b5e8c1e"), ("", "abcd", "abcd"),
            (String(repeating: "n", count: 32), "0b5e8c1e-1111", String(repeating: "n", count: 32)),
            (String(repeating: "n", count: 33), "0b5e8c1e-1111", "0b5e8c1e"),
        ]
    )
    func labelOfSession(name: String, id: String, label: String) {
        #expect(RoutingLabel(ofSession: name, id: id)?.rawValue == label)
    }

    @Test(
        "addresses",
        arguments: [
            ("claude:2@b", "claude:2", "b"), ("@b", nil, "b"), ("a_1@B.example-2", "a_1", "B.example-2"),
        ]
    )
    func addresses(text: String, label: String?, agent: String) throws {
        let address = try #require(OutsideAddress(text))
        #expect(address.label?.rawValue == label && address.agent.rawValue == agent && address.description == text)
    }

    @Test(
        "no addresses",
        arguments: ["b", "@", "x@", "a b@c", "a@b@c", "@.b", "@b/c", "@b\n", "x@é", OutsideAddress.unknownSender]
    )
    func noAddresses(text: String) {
        #expect(OutsideAddress(text) == nil)
    }

    @Test("the policy comes from the environment, and a wrong one is named")
    func policy() throws {
        #expect(try UnroutedPolicy { _ in nil } == .primary)
        #expect(try UnroutedPolicy { $0 == "INTER_SESSION_UNROUTED_POLICY" ? "broadcast" : nil } == .broadcast)
        #expect(throws: SettingsError.self) { try UnroutedPolicy { _ in "all" } }
    }
}
