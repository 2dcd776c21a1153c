/// What counts as this machine itself: 127.0.0.0/8, ::1, and the name localhost.
package enum LoopbackHost {
    package static func isLoopbackAddress(_ host: String) -> Bool {
        if host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "127" else { return false }
        return parts.allSatisfy { part in part.utf8.count <= 3 && part.utf8.allSatisfy(isDigit) && UInt8(part) != nil }
    }

    /// Whether a `Host` header (RFC 9112 §3.2) names this machine, with or without a port.
    package static func isLoopbackHeader(_ header: String) -> Bool {
        if header.hasPrefix("[") {
            guard let end = header.firstIndex(of: "]") else { return false }
            return header[...end] == "[::1]" && isPort(header[header.index(after: end)...])
        }
        let colon = header.firstIndex(of: ":") ?? header.endIndex
        let name = String(header[..<colon])
        return (name.lowercased() == "localhost" || isLoopbackAddress(name)) && isPort(header[colon...])
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && text.dropFirst().utf8.allSatisfy(isDigit))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
