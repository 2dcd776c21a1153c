/// Makes the sequence of a seed.
struct SequenceGenerator {
    /// Some are the beginning of another, the name of one is the id of another, and one suggestion is no name.
    static let ids = ["sess-ab1", "sess-ab2", "api-x", "beta", "Zeta_9"]
    static let names = ["api", "api-x", "api-2", "beta", "gamma", "beta-2"]
    private static let targets =
        ids + names + ["ap", "api-", "be", "sess", "sess-ab", "Zeta", "Zet", "nobody", "g", "api-x2", "b"]

    private var random: SeededGenerator
    private var buses = 1

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func sequence() -> [Step] {
        buses = random.happens(10) ? 2 : 1
        // What is awaited less finds what overtakes what; what is awaited more is easier to read.
        let patience = random.pick([100, 60, 30])
        var steps = (0..<3).map { _ in Step(bus: bus(), operation: join()) }
        for _ in 0..<Int.random(in: 7...21, using: &random) {
            steps.append(Step(bus: bus(), operation: operation(), settles: random.happens(patience)))
        }
        return steps
    }

    private mutating func bus() -> Int { Int.random(in: 0..<buses, using: &random) }

    private mutating func operation() -> Operation {
        let id = random.pick(Self.ids)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<17: return join()
        case 17..<26: return .leave(id, random.pick([.bye, .drop, .drop, .disconnect]))
        case 26..<34: return .rename(id, to: random.pick(Self.names))
        case 34..<63:
            let key: Int? = random.happens(35) ? Int.random(in: 0..<3, using: &random) : nil
            return .send(id, to: random.pick(Self.targets), key: key)
        case 63..<69: return .broadcast(id)
        case 69..<79: return .acknowledge(id, random.pick([.all, .all, .oldest, .newest, .nothingKnown]))
        case 79..<81: return .list(id)
        case 81..<83: return .listAll(id)
        case 83..<87: return .step(hours: random.pick([-360, -3, -0.001, 0.001, 3, 360]))
        case 87..<92: return .pass(hours: random.pick([0.5, 0.5, 5, 9, 48, 192]))
        case 92..<95: return .pause
        case 95..<98: return .kill
        default: return random.happens(50) ? .restart : .pause
        }
    }

    private mutating func join() -> Operation {
        let wish: Operation.NameWish
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<2: wish = .none
        case 2..<7: wish = .name(random.pick(Self.names))
        default: wish = .suggestion(random.pick(Self.names + [""]))
        }
        return .join(
            .init(
                id: random.pick(Self.ids),
                wish: wish,
                acknowledges: random.happens(75),
                holds: random.happens(75),
                namesPrinted: random.happens(30)
            )
        )
    }
}
