/// Another name when the wanted one is taken: the server's first proposal, three times at most.
package struct NameRetries: Sendable {
    package static let most = 3

    let wanted: SessionName
    private var count = 0

    init(wanted: SessionName) {
        self.wanted = wanted
    }

    enum Step {
        case use(SessionName)
        case giveUp
    }

    mutating func next(candidates: [String]) -> Step {
        guard count < Self.most, let candidate = candidates.lazy.compactMap({ SessionName(rawValue: $0) }).first else {
            return .giveUp
        }
        count += 1
        return .use(candidate)
    }
}
