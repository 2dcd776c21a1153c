import NIOPosix
import SystemCalls

/// Wakes its reader when the entries of a directory change.
///
/// A directory on another machine, or one that is synchronised, may change without word from the kernel: the reader is
/// woken now and then in any case.
package final class DirectoryWatch: Sendable {
    /// One for any number of changes that were not looked at yet.
    package let changes: AsyncStream<Void>
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let stopper: Descriptor

    /// - Throws: ``PlatformError`` when there is no such directory.
    package init(_ path: String, atLeastEvery interval: Duration) throws(PlatformError) {
        let number = platform_watch_directory(path)
        guard number >= 0 else { throw PlatformError("watch '\(path)'") }
        let watch = Descriptor(owning: number)
        let (stop, stopper) = try Descriptor.pipe()
        self.stopper = stopper
        let (stream, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        changes = stream
        let timeout = Int32(clamping: Int(interval / .milliseconds(1)))
        thread.start()
        thread.submit { _ in
            while true {
                changed.yield()
                var entries = [
                    pollfd(fd: watch.number, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
                ]
                _ = poll(&entries, 2, timeout)
                if entries[1].revents != 0 { break }
                platform_drain_watch(watch.number)
            }
            changed.finish()
        }
    }

    deinit {
        try? stopper.write([0])
        thread.shutdownGracefully { _ in }
    }
}
