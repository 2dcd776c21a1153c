import SystemCalls

/// Waits, without waking up, for the end of whatever a program lives for.
package enum Lifeline {
    package enum End: Sendable {
        /// The watched process has exited.
        case processGone
        /// Nobody reads standard output any more.
        case outputClosed
        case cancelled
    }

    /// Returns when `process` (if any) exits, when standard output loses its reader, or when the task is cancelled.
    package static func end(ofProcess process: Int32?) async throws -> End {
        let (stop, stopper) = try Descriptor.pipe()
        let watch = process.flatMap(processDescriptor)
        // Asleep in poll(2): descriptors that are not sockets have no place in an event loop.
        return try await withTaskCancellationHandler {
            try await BlockingWork.run { poll(process: process, watch: watch, stop: stop) }
        } onCancel: {
            try? stopper.write([0])
        }
    }

    private static func processDescriptor(_ process: Int32) -> Descriptor? {
        let number = platform_process_descriptor(process)
        return number >= 0 ? Descriptor(owning: number) : nil
    }

    private static func poll(process: Int32?, watch: Descriptor?, stop: Descriptor) -> End {
        // Looks again every 2 s only where the system has no descriptor for a process.
        let mustLookAgain = process != nil && watch == nil
        while true {
            if let process, !SystemProcess.isAlive(process) { return .processGone }
            var entries = [
                pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
                pollfd(fd: watch?.number ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = SystemCalls.poll(&entries, nfds_t(entries.count), mustLookAgain ? 2000 : -1)
            if count < 0 && errno != EINTR { return .cancelled }
            if entries[0].revents != 0 { return .cancelled }
            if entries[2].revents != 0 { return .processGone }
            if entries[1].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return .outputClosed }
        }
    }
}
