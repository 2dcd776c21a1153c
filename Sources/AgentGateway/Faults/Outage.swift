import InterSessionCore
package import Logging
import Platform

/// Something that does not work for now, such as a disk that is full: said when it begins and when it is over, however
/// often it is tried between the two.
package struct Outage: Sendable {
    private let what: String
    private let logger: Logger
    private var backoff = Backoff.retry
    private var isThere = false

    /// - Parameter what: cannot be done, such as `the spool cannot be used`.
    package init(_ what: String, _ logger: Logger) {
        self.what = what
        self.logger = logger
    }

    package mutating func note(_ error: any Error) {
        if !isThere { logger.warning("\(what): \(error); still trying") }
        isThere = true
    }

    /// Waits before the next attempt: 0.5 s, doubling to 30 s.
    package mutating func wait(after error: any Error) async throws {
        note(error)
        try await pause(backoff.next())
    }

    package mutating func end() {
        guard isThere else { return }
        isThere = false
        backoff = Backoff.retry
        logger.notice("it works again; before, \(what)")
    }

    /// Does the work when the system has what it takes.
    ///
    /// - Throws: what another attempt would not change, and `CancellationError`.
    package static func outlast<Outcome>(
        _ what: String,
        _ logger: Logger,
        _ body: () throws -> Outcome
    ) async throws -> Outcome {
        var outage = Outage(what, logger)
        while true {
            do {
                let outcome = try body()
                outage.end()
                return outcome
            } catch let error as PlatformError where error.isShortage {
                try await outage.wait(after: error)
            }
        }
    }
}
