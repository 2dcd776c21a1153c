/// Whether anything was heard of a peer since it was last asked for a sign of life.
enum Liveness {
    case heard, asked

    var answersPings: Bool { self == .heard }
}
