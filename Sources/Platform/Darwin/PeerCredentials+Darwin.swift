#if canImport(Darwin)
    package import NIOCore
    import SystemCalls

    extension PeerCredentials {
        package static func of(_ socket: some SocketOptionProvider) -> EventLoopFuture<PeerCredentials> {
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
        }
    }
#endif
