import SystemCalls

/// A TCP port of the loopback address that nobody uses at this moment.
package enum FreePort {
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
