import Platform

/// A moment, in microseconds since 1970 UTC.
package struct Timestamp: Comparable, Hashable, Sendable {
    package let microseconds: UInt64

    package init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    package static func now() -> Timestamp { Timestamp(microseconds: SystemClock.now()) }

    package static func < (first: Timestamp, second: Timestamp) -> Bool { first.microseconds < second.microseconds }

    /// ISO 8601 in UTC with milliseconds, as in `2026-11-20T09:41:00.123Z`.
    ///
    /// Written by hand because every message needs one, and a formatter costs more than routing the message.
    package var iso8601: String {
        let milliseconds = Int(microseconds / 1000)
        let (days, ofDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let (year, month, day) = Self.civil(daysSince1970: days)
        let seconds = ofDay / 1000
        return String(unsafeUninitializedCapacity: 24) { space in
            var text = FixedText(space)
            text.write(year, digits: 4)
            text.write("-", month)
            text.write("-", day)
            text.write("T", seconds / 3600)
            text.write(":", seconds / 60 % 60)
            text.write(":", seconds % 60)
            text.write(".", ofDay % 1000, digits: 3)
            text.write("Z")
            return text.count
        }
    }

    /// Reads what ``iso8601`` writes; the milliseconds may be left out.
    package init?(iso8601 text: String) {
        let fields = text.split(whereSeparator: { "-T:.Z".contains($0) }).map(String.init)
        guard text.hasSuffix("Z"), (6...7).contains(fields.count), fields.allSatisfy({ $0.utf8.count <= 4 }) else {
            return nil
        }
        let numbers = fields.compactMap { UInt64($0) }
        guard numbers.count == fields.count, (1...12).contains(numbers[1]), (1...31).contains(numbers[2]),
            numbers[0] >= 1970, numbers[3] < 24, numbers[4] < 60, numbers[5] < 61
        else { return nil }
        let days = UInt64(Self.days(year: Int(numbers[0]), month: Int(numbers[1]), day: Int(numbers[2])))
        let seconds = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        let milliseconds = numbers.count == 7 && fields[6].utf8.count == 3 ? numbers[6] : 0
        self.init(microseconds: (seconds * 1000 + milliseconds) * 1000)
    }

    /// How much later than `other` this moment is by the calendar; negative when it is earlier.
    package func timeSince(_ other: Timestamp) -> Duration {
        .microseconds(Int64(clamping: microseconds)) - .microseconds(Int64(clamping: other.microseconds))
    }

    /// The moment so long after this one; of a moment before 1970, 1970.
    package static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let sum = Double(time.microseconds) + duration / .microseconds(1)
        guard sum.magnitude < 0x1p53 else { return Timestamp(microseconds: sum < 0 ? 0 : 1 << 53) }
        return Timestamp(microseconds: UInt64(max(0, sum)))
    }

    /// The moment so long before this one; of a moment before 1970, 1970.
    package static func - (time: Timestamp, duration: Duration) -> Timestamp { time + (.zero - duration) }

    /// The days from 1970 to a proleptic Gregorian date, the inverse of ``civil(daysSince1970:)``.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = yearFromMarch / 400
        let yearOfEra = yearFromMarch - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
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

/// Text of a known length, written without strings in between.
private struct FixedText {
    private let space: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ space: UnsafeMutableBufferPointer<UInt8>) {
        self.space = space
    }

    mutating func write(_ character: Unicode.Scalar) {
        guard count < space.count else { return }
        space[count] = UInt8(ascii: character)
        count += 1
    }

    /// With leading zeros, and without what is more than so many digits.
    mutating func write(_ number: Int, digits: Int) {
        guard count + digits <= space.count else { return }
        var rest = number
        for place in stride(from: count + digits - 1, through: count, by: -1) {
            space[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        count += digits
    }

    mutating func write(_ separator: Unicode.Scalar, _ number: Int, digits: Int = 2) {
        write(separator)
        write(number, digits: digits)
    }
}
