import NIOPosix

/// The one thread that touches the disk, so that neither the event loop nor the cooperative pool waits for it.
final class StorageThread: TaskExecutor {
    private let threads = NIOThreadPool(numberOfThreads: 1)

    init() {
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    func stop() async {
        try? await threads.shutdownGracefully()
    }
}
