import NIOPosix

/// Work that waits in a system call: it gets a thread of its own, and neither an event loop nor a task waits with it.
package enum BlockingWork {
    package static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await threads.runIfActive(body))
        } catch {
            result = .failure(error)
        }
        try await threads.shutdownGracefully()
        return try result.get()
    }
}
