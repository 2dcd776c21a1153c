package import NIOCore
import NIOPosix
import Platform

/// The main thread of a tool: its event loop, and all of its tasks.
///
/// Swift's own threads are those of Dispatch. They take a tool 0.8 ms to start (release build, medians), and once they
/// are used, Dispatch wakes the process up every second for as long as it lives: 60 times a minute for each session.
/// So nothing here uses them, `Task.sleep` and Dispatch's signal sources included; see ``pause(_:)`` and ``Lifeline``.
/// What waits in system calls has a thread of its own, see ``BlockingWork``.
package enum ToolThread {
    @TaskLocal private static var own: (any EventLoop)?
    private static let spare = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()

    /// The event loop of this tool; in what is no tool, such as a test, one that all of it shares.
    package static var eventLoop: any EventLoop { own ?? spare }

    /// Makes the current thread the event loop and does `body`, which ends the process, on it.
    package static func run(_ body: @escaping @Sendable () async -> Never) -> Never {
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
            $own.withValue(loop) {
                _ = Task(executorPreference: LoopTasks(loop: loop)) { await body() }
            }
        }
        // The loop ends with the process.
        SystemProcess.exit(0)
    }
}

/// Runs tasks on an event loop, in turn with its sockets.
private final class LoopTasks: TaskExecutor {
    private let loop: any EventLoop

    init(loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
