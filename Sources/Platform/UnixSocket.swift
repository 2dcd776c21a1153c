import SystemCalls

/// Unix sockets, whose two ends can be sure which user is at the other.
package enum UnixSocket {
    /// What fits into a socket address with its closing zero: 108 on Linux, 104 on macOS.
    package static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Connects to the server of this user.
    ///
    /// - Throws: ``PlatformError``, with ``PlatformError/isNobodyListening`` when there is no server; `EACCES` when
    ///   another user listens there.
    package static func connect(_ path: String) throws(PlatformError) -> Descriptor {
        let socket = Descriptor(owning: SystemCalls.socket(AF_UNIX, streamType, 0))
        guard socket.number >= 0 else { throw PlatformError("make a socket") }
        _ = fcntl(socket.number, F_SETFD, FD_CLOEXEC)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= longestPath else { throw PlatformError("connect to '\(path)'", code: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SystemCalls.connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw PlatformError("connect to '\(path)'") }
        guard peerIsThisUser(socket.number) else {
            throw PlatformError("trust '\(path)', where another user listens", code: EACCES)
        }
        return socket
    }

    /// Whether the process at the other end of a connected socket runs as our user.
    package static func peerIsThisUser(_ socket: Int32) -> Bool {
        var user: uid_t = 0
        return platform_peer_user(socket, &user) == 0 && user == geteuid()
    }
}
