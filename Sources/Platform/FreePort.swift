import SystemCalls

/// TCP ports of the loopback address: one that nobody uses at this moment, and whether somebody uses one.
package enum FreePort {
    /// Whether a program accepts connections on the port.
    package static func isTaken(_ port: Int) -> Bool {
        let socket = Descriptor(owning: SystemCalls.socket(AF_INET, UnixSocket.streamType, 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// - Throws: ``PlatformError``.
    package static func find() throws(PlatformError) -> Int {
        let socket = Descriptor(owning: SystemCalls.socket(AF_INET, UnixSocket.streamType, 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket.number, $0, length) == 0 && getsockname(socket.number, $0, &length) == 0
            }
        }
        guard isBound else { throw PlatformError("find a free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
