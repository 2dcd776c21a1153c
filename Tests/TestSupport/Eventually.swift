/// Looks until `condition` gives a value, and gives up at the deadline.
///
/// - Throws: ``Impatience`` with what was waited for.
package func eventually<Value>(
    _ what: String,
    within limit: Duration = .seconds(60),
    _ condition: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
        if let value = try await condition() { return value }
        guard clock.now < deadline else { throw Impatience(what: what) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

package struct Impatience: Error, CustomStringConvertible {
    package let what: String

    package init(what: String) {
        self.what = what
    }

    package var description: String { "waited in vain for \(what)" }
}
