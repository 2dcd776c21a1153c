#if os(Linux)
    package import NIOCore
    import SystemCalls

    extension PeerCredentials {
        package static func of(_ socket: some SocketOptionProvider) -> EventLoopFuture<PeerCredentials> {
            let credentials: EventLoopFuture<platform_credentials> = socket.unsafeGetSocketOption(
                level: .init(rawValue: SOL_SOCKET),
                name: .init(rawValue: SO_PEERCRED)
            )
            return credentials.map { PeerCredentials(isThisUser: $0.uid == geteuid(), process: $0.pid) }
        }
    }
#endif
