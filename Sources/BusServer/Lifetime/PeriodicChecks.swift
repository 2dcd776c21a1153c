import NIOCore

/// Everything that is checked periodically, all at once: an idle server wakes up six times a minute for it. Belongs to
/// the event loop.
final class PeriodicChecks {
    private static let interval: TimeAmount = .seconds(10)

    private let checks: [() -> Void]

    init(_ checks: [() -> Void]) {
        self.checks = checks
    }

    func start(on eventLoop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
            for check in bound.value.checks { check() }
        }
    }
}
