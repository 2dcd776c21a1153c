import SystemCalls

/// Work that waits in a system call: it gets a thread of its own, and neither an event loop nor a task waits with it.
package enum BlockingWork {
    package static func run<Outcome: Sendable>(
        _ body: @escaping @Sendable () throws -> Outcome
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Outcome, any Error>) in
            start { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Does the work, and tells nobody.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(body))
        // Where the system has no thread left, everybody waits.
        let code = platform_start_thread(
            { work in work.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body() } },
            work.toOpaque()
        )
        if code != 0 { work.takeRetainedValue().body() }
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
