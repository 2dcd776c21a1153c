import SystemCalls

/// A connected socket that blocks only where its owner waits for it.
package struct StreamSocket: Sendable {
    /// What can be done now.
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// There are bytes, or the end.
        package static let read = Readiness(rawValue: 1)
        package static let write = Readiness(rawValue: 2)
    }

    package enum Transfer: Sendable {
        case bytes(Int)
        /// Not at this moment.
        case nothing
        /// The other end is gone.
        case ended
    }

    private let descriptor: Descriptor

    /// From now on the process is not ended by writing to a peer that is gone.
    package init(_ descriptor: Descriptor) {
        self.descriptor = descriptor
        _ = signal(SIGPIPE, SIG_IGN)
        _ = fcntl(descriptor.number, F_SETFL, fcntl(descriptor.number, F_GETFL) | O_NONBLOCK)
    }

    /// Blocks until there is something to read, or room to write where that is wanted.
    ///
    /// - Returns: nil when the time is over.
    package func wait(
        toWrite: Bool,
        until deadline: ContinuousClock.Instant
    ) throws(PlatformError) -> Readiness? {
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { return nil }
            var entry = pollfd(
                fd: descriptor.number,
                events: Int16(toWrite ? POLLIN | POLLOUT : POLLIN),
                revents: 0
            )
            let count = poll(&entry, 1, Int32(clamping: Int(left.rounded(.up))))
            if count > 0 {
                var ready: Readiness = []
                if entry.revents & Int16(POLLOUT) != 0 { ready.insert(.write) }
                // A hang-up and an error are read as the end.
                if entry.revents & ~Int16(POLLOUT) != 0 { ready.insert(.read) }
                return ready
            }
            guard count == 0 || errno == EINTR else { throw PlatformError("wait for a socket") }
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(PlatformError) -> Transfer {
        let count = SystemCalls.write(descriptor.number, bytes.baseAddress, bytes.count)
        return count >= 0 ? .bytes(count) : try Self.failure("write to a socket")
    }

    package func read(into space: UnsafeMutableRawBufferPointer) throws(PlatformError) -> Transfer {
        let count = SystemCalls.read(descriptor.number, space.baseAddress, space.count)
        if count == 0 { return .ended }
        return count > 0 ? .bytes(count) : try Self.failure("read from a socket")
    }

    private static func failure(_ attempt: String) throws(PlatformError) -> Transfer {
        switch errno {
        case EPIPE, ECONNRESET: return .ended
        case EAGAIN, EINTR: return .nothing
        default: throw PlatformError(attempt)
        }
    }
}
