extension WireError {
    /// What is wrong and the way out, as a sentence for people.
    package var message: String {
        switch self {
        case .unauthorized(let reason), .invalidName(let reason), .invalidLabel(let reason),
            .invalidPayload(let reason), .storageFull(let reason), .unknownOp(let reason):
            reason
        case .nameTaken(let name, _):
            "the name '\(name)' is in use; choose another"
        case .unknownPeer(let reason, let nearest):
            nearest.isEmpty ? reason : "\(reason); did you mean \(nearest.map { "'\($0)'" }.joined(separator: " or "))?"
        case .ambiguous(let target, _):
            "'\(target)' fits several sessions; use the whole name"
        case .textTooLong(let bytes, let limit):
            "the text has \(bytes) bytes, the limit is \(limit); put it in a file and send the path"
        case .rateLimited(let retryAfter, let what):
            "more than \(what) in a minute; try again in \(retryAfter) s"
        case .hopLimit:
            "automatic messages have answered each other \(WireLimits.automaticDepth) times; this one was not sent: "
                + "let a person or an agent decide what to say next"
        case .unknownMessage(let id):
            "there is no message '\(id.prefix(16))'; it may be older than mail is kept"
        }
    }

    /// The frame that tells the peer.
    package func frame(ref: String?) -> ServerFrame {
        var error = ServerFrame.Failure(code: code, message: message, ref: ref)
        switch self {
        case .nameTaken(_, let candidates): error.candidates = candidates
        case .ambiguous(_, let matches): error.matches = matches
        case .unknownPeer(_, let nearest): error.nearest = nearest
        case .rateLimited(let retryAfter, _): error.retryAfter = retryAfter
        case .textTooLong(_, let limit): error.limit = limit
        default: break
        }
        return .error(error)
    }
}
