package import NIOCore
import SystemCalls

/// Who is at the other end of an accepted Unix socket, as the kernel says, and not the peer.
package struct PeerCredentials: Sendable {
    package let isThisUser: Bool
    /// The process that connected, in the numbers of this process' namespace; 0 for one that cannot be seen from there.
    /// Nil where the system does not say.
    package let process: Int32?

    package static func of(_ socket: some SocketOptionProvider) -> EventLoopFuture<PeerCredentials> {
        #if os(Linux)
            let credentials: EventLoopFuture<platform_credentials> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_SOCKET),
                name: .init(rawValue: SO_PEERCRED)
            )
            return credentials.map { PeerCredentials(isThisUser: $0.uid == geteuid(), process: $0.pid) }
        #else
            let credentials: EventLoopFuture<xucred> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_LOCAL),
                name: .init(rawValue: LOCAL_PEERCRED)
            )
            let process: EventLoopFuture<pid_t> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_LOCAL),
                name: .init(rawValue: LOCAL_PEERPID)
            )
            return credentials.and(process).map {
                PeerCredentials(isThisUser: $0.cr_uid == geteuid(), process: $1)
            }
        #endif
    }
}
