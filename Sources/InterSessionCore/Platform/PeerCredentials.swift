package import NIOCore
import SystemCalls

/// Which user is at the other end of an accepted Unix socket.
package enum PeerCredentials {
    /// Whether it is our own; the kernel says so, not the peer.
    package static func isThisUser(_ socket: some SocketOptionProvider) -> EventLoopFuture<Bool> {
        #if os(Linux)
            let credentials: EventLoopFuture<platform_credentials> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_SOCKET),
                name: .init(rawValue: SO_PEERCRED)
            )
            return credentials.map { $0.uid == geteuid() }
        #else
            let credentials: EventLoopFuture<xucred> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_LOCAL),
                name: .init(rawValue: LOCAL_PEERCRED)
            )
            return credentials.map { $0.cr_uid == geteuid() }
        #endif
    }
}
