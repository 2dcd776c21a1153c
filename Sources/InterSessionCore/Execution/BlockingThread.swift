import NIOPosix

/// A thread for work that waits in system calls, again and again; see ``BlockingWork`` for what is done once.
package final class BlockingThread: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    package init() {
        pool.start()
    }

    deinit {
        end()
    }

    /// Ends the thread when what was asked for is done. Nothing may be asked for from now on.
    package func end() {
        pool.shutdownGracefully { _ in }
    }

    /// Does the work when what was asked for before is done, and tells nobody.
    package func start(_ body: @escaping @Sendable () -> Void) {
        pool.submit { _ in body() }
    }

    /// Does the work when what was asked for before is done.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await pool.runIfActive(body)
    }
}
