package import SystemCalls

/// An open file, socket or pipe, closed with its last owner.
package final class Descriptor: Sendable {
    package let number: Int32

    /// Takes over the open descriptor `number`.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// - Throws: ``PlatformError``.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(PlatformError) -> Descriptor {
        let number = platform_open(path, flags, mode)
        guard number >= 0 else { throw PlatformError("open '\(path)'") }
        return Descriptor(owning: number)
    }

    package static func openNull() throws(PlatformError) -> Descriptor {
        try open("/dev/null", O_RDWR)
    }

    /// A pipe whose ends close on exec.
    package static func pipe() throws(PlatformError) -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard SystemCalls.pipe(&ends) == 0 else { throw PlatformError("make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    }

    /// A second number for the same open file, which the caller must close or hand over.
    package func duplicate() throws(PlatformError) -> Int32 {
        let copy = platform_duplicate(number, 3)
        guard copy >= 0 else { throw PlatformError("duplicate a descriptor") }
        return copy
    }

    package func write(_ bytes: some Collection<UInt8>) throws(PlatformError) {
        try Self.write(Array(bytes), to: number)
    }

    /// Writes all of it, however many calls that takes.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(PlatformError) {
        try Self.write(bytes, to: number)
    }

    static func write(_ bytes: [UInt8], to number: Int32) throws(PlatformError) {
        // The closure of withUnsafeBytes would lose the type of the error.
        let failure: PlatformError? = bytes.withUnsafeBytes { bytes in
            do throws(PlatformError) {
                try write(bytes, to: number)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to number: Int32) throws(PlatformError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = SystemCalls.write(number, rest.baseAddress, rest.count)
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Somebody made our output non-blocking; wait for room rather than lose half a line.
                var ready = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                throw PlatformError("write")
            }
        }
    }

    /// Reads to the end.
    ///
    /// - Throws: ``PlatformError``; `EFBIG` where there is more than `limit` bytes.
    package func readAll(limit: Int) throws(PlatformError) -> [UInt8] {
        try Self.readAll(number, limit: limit)
    }

    static func readAll(_ number: Int32, limit: Int) throws(PlatformError) -> [UInt8] {
        var content: [UInt8] = []
        while true {
            let chunk = try readSome(number, atMost: 64 * 1024)
            if chunk.isEmpty { return content }
            content += chunk
            guard content.count <= limit else { throw PlatformError("read more than \(limit) bytes", code: EFBIG) }
        }
    }

    /// The bytes that are there, waiting for the first; none at the end.
    static func readSome(_ number: Int32, atMost most: Int) throws(PlatformError) -> [UInt8] {
        while true {
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: most) { space, initialized in
                count = SystemCalls.read(number, space.baseAddress, most)
                initialized = max(0, count)
            }
            if count >= 0 { return chunk }
            guard errno == EINTR else { throw PlatformError("read") }
        }
    }

    /// Reads what is there, waiting for the first byte.
    ///
    /// - Returns: how many bytes; none at the end.
    package func read(into space: UnsafeMutableRawBufferPointer) throws(PlatformError) -> Int {
        while true {
            let count = SystemCalls.read(number, space.baseAddress, space.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw PlatformError("read") }
        }
    }

    /// Reads the lines that arrive until one satisfies `isLast`, the writer closes, or the time is over.
    ///
    /// Blocks its thread.
    package func readLines(within limit: Duration, until isLast: (String) -> Bool) -> [String] {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var pending: [UInt8] = []
        var lines: [String] = []
        while true {
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: pending[..<end], as: UTF8.self))
                pending.removeSubrange(...end)
                if lines.last.map(isLast) == true { return lines }
            }
            let left = (deadline - clock.now) / .milliseconds(1)
            var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&ready, 1, Int32(left.rounded(.up))) > 0 else { return lines }
            guard let chunk = try? Self.readSome(number, atMost: 4096), !chunk.isEmpty else { return lines }
            pending += chunk
        }
    }

    /// Keeps what this process inherited from reaching its children: whoever waits for the end of a pipe must not
    /// wait for a server.
    static func closeInheritedOnExec() {
        for number in Directory.entries("/dev/fd").compactMap({ Int32($0) }) where number > STDERR_FILENO {
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        }
    }
}
