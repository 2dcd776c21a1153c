import SystemCalls

/// Waits, without waking up, for the end of whatever a program lives for.
package enum Lifeline {
    package enum End: Sendable {
        /// SIGTERM or SIGINT.
        case terminated
        /// The watched process has exited.
        case processGone
        /// Nobody reads standard output any more.
        case outputClosed
        case cancelled
    }

    /// Returns when a signal asks this process to end, when `process` (if any) exits, when standard output loses its
    /// reader (if that matters), or when the task is cancelled.
    ///
    /// - Throws: ``PlatformError``.
    package static func end(ofProcess process: Int32? = nil, needsReader: Bool) async throws -> End {
        let (stop, stopper) = try Descriptor.pipe()
        let signals = try terminationSignals()
        let watch = process.flatMap(processDescriptor)
        // Asleep in poll(2): descriptors that are not sockets have no place in an event loop.
        return try await withTaskCancellationHandler {
            try await BlockingWork.run {
                poll(stop: stop, signals: signals, process: process, watch: watch, needsReader: needsReader)
            }
        } onCancel: {
            try? stopper.write([0])
        }
    }

    /// From now on SIGTERM and SIGINT do not end this process: the descriptor becomes readable.
    private static func terminationSignals() throws(PlatformError) -> Descriptor {
        let number = platform_termination_signals()
        guard number >= 0 else { throw PlatformError("wait for signals") }
        return Descriptor(owning: number)
    }

    private static func processDescriptor(_ process: Int32) -> Descriptor? {
        let number = platform_process_descriptor(process)
        return number >= 0 ? Descriptor(owning: number) : nil
    }

    private static func poll(
        stop: Descriptor,
        signals: Descriptor,
        process: Int32?,
        watch: Descriptor?,
        needsReader: Bool
    ) -> End {
        // Looks again every 2 s only where the system has no descriptor for a process.
        let mustLookAgain = process != nil && watch == nil
        while true {
            if let process, !SystemProcess.isAlive(process) { return .processGone }
            var entries = [
                pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: needsReader ? STDOUT_FILENO : -1, events: 0, revents: 0),
                pollfd(fd: watch?.number ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0),
            ]
            let count = SystemCalls.poll(&entries, nfds_t(entries.count), mustLookAgain ? 2000 : -1)
            if count < 0 && errno != EINTR { return .cancelled }
            if entries[0].revents != 0 { return .cancelled }
            if entries[3].revents != 0 { return .terminated }
            if entries[2].revents != 0 { return .processGone }
            if entries[1].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return .outputClosed }
        }
    }
}
