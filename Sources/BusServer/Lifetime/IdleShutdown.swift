import NIOCore

/// Ends the server when nobody has been on the bus for a while. Belongs to the event loop.
final class IdleShutdown {
    private let eventLoop: any EventLoop
    /// Zero is never.
    private let delay: TimeAmount
    private let shutDown: () -> Void
    private var pending: Scheduled<Void>?

    init(eventLoop: any EventLoop, minutes: Int, shutDown: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.delay = .minutes(Int64(minutes))
        self.shutDown = shutDown
    }

    func populationChanged(isEmpty: Bool) {
        guard delay > .zero else { return }
        if !isEmpty {
            pending?.cancel()
            pending = nil
        } else if pending == nil {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            pending = eventLoop.scheduleTask(in: delay) { bound.value.shutDown() }
        }
    }
}
