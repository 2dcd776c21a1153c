import InterSessionCore

/// Another name when the wanted one is taken: the server's first proposal, three times at most.
struct NameRetries {
    static let most = 3

    private let wanted: SessionName
    private var count = 0

    init(wanted: SessionName) {
        self.wanted = wanted
    }

    enum Step {
        case use(SessionName, Notice)
        case giveUp(Notice)
    }

    mutating func next(candidates: [String]) -> Step {
        guard count < Self.most, let candidate = candidates.lazy.compactMap({ SessionName(rawValue: $0) }).first else {
            return .giveUp(.nameStillTaken(wanted))
        }
        count += 1
        return .use(candidate, .nameTaken(wanted, using: candidate))
    }
}
