/// A moment, in microseconds since 1970 UTC.
package struct Timestamp: Comparable, Hashable, Sendable {
    package let microseconds: UInt64

    package init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    package static func now() -> Timestamp { SystemClock.now() }

    package static func < (first: Timestamp, second: Timestamp) -> Bool { first.microseconds < second.microseconds }

    /// ISO 8601 in UTC with milliseconds, as in `2026-11-20T09:41:00.123Z`.
    ///
    /// Written by hand because every message needs one, and a formatter costs more than routing the message.
    package var iso8601: String {
        let milliseconds = Int(microseconds / 1000)
        let (days, ofDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let (year, month, day) = Self.civil(daysSince1970: days)
        let seconds = ofDay / 1000
        return "\(year.padded(4))-\(month.padded(2))-\(day.padded(2))T"
            + "\((seconds / 3600).padded(2)):\((seconds / 60 % 60).padded(2)):\((seconds % 60).padded(2))"
            + ".\((ofDay % 1000).padded(3))Z"
    }

    /// The proleptic Gregorian date of a day, for days from 1970 on.
    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        // Years that begin on 1 March put the leap day last, so that a month's first day is a linear formula.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int {
    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}
