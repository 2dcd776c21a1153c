/// A span of time as people say it: `45s`, `3m`, `2h`, `5d`.
package struct Age: CustomStringConvertible, Sendable {
    package let seconds: Int

    package init(seconds: Int) {
        self.seconds = max(0, seconds)
    }

    /// Since that moment.
    package init(since time: Timestamp) {
        let now = Timestamp.now().microseconds
        self.init(seconds: Int((now - min(now, time.microseconds)) / 1_000_000))
    }

    package init?(argument: String) {
        let units = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = units[String(argument.suffix(1))], let number = Int(argument.dropLast()),
            (0...100_000).contains(number)
        else { return nil }
        self.init(seconds: number * unit)
    }

    package var description: String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86_400: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}
