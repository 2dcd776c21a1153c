/// Why the bus refuses a frame: each case is one error code of docs/PROTOCOL.md with what the peer needs to act.
package enum WireError: Error, Equatable {
    case unauthorized(String)
    case invalidName(String)
    case invalidLabel(String)
    case invalidPayload(String)
    case nameTaken(String, candidates: [String])
    case unknownPeer(String, nearest: [String] = [])
    case ambiguous(String, matches: [String])
    case textTooLong(bytes: Int, limit: Int)
    /// Seconds until the next one is accepted, and what there was too much of.
    case rateLimited(retryAfter: Int, of: String)
    case hopLimit
    case unknownMessage(String)
    case storageFull(String)
    case unknownOp(String)
}

extension WireError {
    /// What an error is called on the wire, for both sides to match.
    package enum Code: Hashable, Sendable {
        case unauthorized, invalidName, invalidLabel, invalidPayload, nameTaken, unknownPeer, ambiguous, textTooLong,
            rateLimited, hopLimit, unknownMessage, storageFull, unknownOp
        /// A code that this version does not know: a newer server may have more.
        case other(String)
    }

    /// The code of docs/PROTOCOL.md.
    package var code: Code {
        switch self {
        case .unauthorized: .unauthorized
        case .invalidName: .invalidName
        case .invalidLabel: .invalidLabel
        case .invalidPayload: .invalidPayload
        case .nameTaken: .nameTaken
        case .unknownPeer: .unknownPeer
        case .ambiguous: .ambiguous
        case .textTooLong: .textTooLong
        case .rateLimited: .rateLimited
        case .hopLimit: .hopLimit
        case .unknownMessage: .unknownMessage
        case .storageFull: .storageFull
        case .unknownOp: .unknownOp
        }
    }
}

extension WireError.Code: RawRepresentable, CustomStringConvertible {
    /// The codes of docs/PROTOCOL.md.
    package static let known: [WireError.Code] = [
        .unauthorized, .invalidName, .invalidLabel, .invalidPayload, .nameTaken, .unknownPeer, .ambiguous, .textTooLong,
        .rateLimited, .hopLimit, .unknownMessage, .storageFull, .unknownOp,
    ]

    /// Reads a code from the wire; any text is one.
    package init(rawValue: String) {
        self = Self.known.first { $0.rawValue == rawValue } ?? .other(rawValue)
    }

    /// The code as the wire has it.
    package var rawValue: String {
        switch self {
        case .unauthorized: "unauthorized"
        case .invalidName: "invalid_name"
        case .invalidLabel: "invalid_label"
        case .invalidPayload: "invalid_payload"
        case .nameTaken: "name_taken"
        case .unknownPeer: "unknown_peer"
        case .ambiguous: "ambiguous"
        case .textTooLong: "text_too_long"
        case .rateLimited: "rate_limited"
        case .hopLimit: "hop_limit"
        case .unknownMessage: "unknown_message"
        case .storageFull: "storage_full"
        case .unknownOp: "unknown_op"
        case .other(let text): text
        }
    }

    package var description: String { rawValue }
}
