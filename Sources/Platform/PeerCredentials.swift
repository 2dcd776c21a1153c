/// Who is at the other end of an accepted Unix socket, as the kernel says, and not the peer.
package struct PeerCredentials: Sendable {
    package let isThisUser: Bool
    /// The process that connected, in the numbers of this process' namespace; 0 for one that cannot be seen from there.
    /// Nil where the system does not say.
    package let process: Int32?
}
