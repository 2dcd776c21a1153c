import NIOCore

/// Notices that the data directory was removed under a running server. Belongs to the event loop.
///
/// What is open stays usable, so nothing would tell: but no tool finds the server any more, and the mail ends with it.
final class DirectoryLoss {
    private static let interval: TimeAmount = .seconds(10)

    private let eventLoop: any EventLoop
    private let isThere: () -> Bool
    private let onLoss: () -> Void
    private var isLost = false

    /// - Parameter onLoss: called once.
    init(eventLoop: any EventLoop, isThere: @escaping () -> Bool, onLoss: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.isThere = isThere
        self.onLoss = onLoss
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in bound.value.look() }
    }

    private func look() {
        guard !isLost, !isThere() else { return }
        isLost = true
        onLoss()
    }
}
