package import InterSessionCore
package import NIOCore

/// What carries bodies between agents, and knows nothing of what they say.
///
/// A transport may deliver a body twice, or carry one twice that is sent twice: the buses at its ends tell. What it must
/// keep is the order of the bodies from one agent to another.
package protocol Transport: Sendable {
    associatedtype Arrivals: AsyncSequence<Arrival, any Error> & Sendable

    /// What it is, for people.
    var label: String { get }

    /// Does what the transport needs done while it is used.
    ///
    /// It returns when nothing can come any more.
    func run() async throws

    /// The bodies that come for the agent, each after the one before it was taken. It is called once.
    func receive() -> Arrivals

    /// Hands the body over, so that it reaches the agent whatever becomes of this process.
    ///
    /// - Parameter id: of the message; rises from one to the next, and is the same when a body is sent again.
    /// - Throws: ``TransportError``.
    func send(_ body: ByteBuffer, to agent: AgentName, id: MessageID) async throws(TransportError)

    /// Reports the agents that can be reached, whenever they change, until the task is cancelled. It is called once.
    func watchAgents(_ report: @Sendable (Set<AgentName>) async -> Void) async
}

/// A body that has come.
package struct Arrival: Sendable {
    /// Names a body for which its sender has no name. It is the transport's, and says nothing to anybody else.
    package let id: String
    /// Who sent it, where the transport can tell.
    package let sender: AgentName?
    package let body: ByteBuffer
    /// Tells the transport that it may forget the body.
    package let acknowledge: @Sendable () async throws -> Void
}

package enum TransportError: Error, Equatable {
    /// It may work later.
    case failed(String)
    /// It will not.
    case refused(String)
}

extension TransportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .failed(let reason), .refused(let reason): reason
        }
    }
}
