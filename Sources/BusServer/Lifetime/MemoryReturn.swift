import InterSessionCore
import NIOCore
import Platform

/// Gives memory back when a crowd has come or gone: each that comes is told to all, which takes a moment's memory that
/// the allocator would keep. Belongs to the event loop.
final class MemoryReturn {
    private static let delay: TimeAmount = .seconds(2)

    private let storage: Storage
    private var isScheduled = false

    init(storage: Storage) {
        self.storage = storage
    }

    func populationChanged() {
        guard !isScheduled else { return }
        isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: storage.eventLoop)
        storage.eventLoop.scheduleTask(in: Self.delay) { bound.value.giveBack() }
    }

    private func giveBack() {
        isScheduled = false
        // It takes milliseconds, in which nobody should wait.
        storage.perform { _ in
            SystemProcess.returnUnusedMemory()
        } then: { _ in
        }
    }
}
