import InterSessionCore

/// How far a delivery has got, as the database knows it. `delivered` is not among them: it is a fact of a connection,
/// and ends with it.
enum StoredState: Int, Sendable {
    case queued = 0
    case seen = 1
    case expired = 2
    case returned = 3

    /// What the state is called on the wire, for a session.
    var deliveryState: DeliveryState {
        switch self {
        case .queued: .queued
        case .seen: .seen
        case .expired: .expired
        case .returned: .returned
        }
    }
}
