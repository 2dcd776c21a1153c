import NIOCore

/// What is looked at again and again, all at once: an idle server wakes up six times a minute for it. Belongs to the
/// event loop.
final class Rounds {
    private static let interval: TimeAmount = .seconds(10)

    private let looks: [() -> Void]

    init(_ looks: [() -> Void]) {
        self.looks = looks
    }

    func start(on eventLoop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
            for look in bound.value.looks { look() }
        }
    }
}
