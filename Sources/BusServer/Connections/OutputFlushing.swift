/// When what was written goes to the socket: once for all that is written together, not for each frame.
enum OutputFlushing: Equatable {
    /// Nothing waits.
    case idle
    /// Frames of the peer are being handled: what is written meanwhile goes out at their end.
    case reading(hasOutput: Bool)
    /// Something else wrote: it goes out at the end of this turn of the event loop.
    case scheduled

    /// A frame of the peer is there.
    mutating func beganReading() {
        switch self {
        case .idle: self = .reading(hasOutput: false)
        case .scheduled: self = .reading(hasOutput: true)
        case .reading: break
        }
    }

    /// A frame was written.
    ///
    /// - Returns: whether ``turnEnded()`` is to be called at the end of this turn.
    mutating func wrote() -> Bool {
        switch self {
        case .idle:
            self = .scheduled
            return true
        case .reading:
            self = .reading(hasOutput: true)
            return false
        case .scheduled: return false
        }
    }

    /// All frames that were there are handled.
    ///
    /// - Returns: whether to flush.
    mutating func endedReading() -> Bool {
        defer { self = .idle }
        return self == .scheduled || self == .reading(hasOutput: true)
    }

    /// - Returns: whether to flush.
    mutating func turnEnded() -> Bool {
        guard self == .scheduled else { return false }
        self = .idle
        return true
    }
}
