/// What a message is called in every line, log and reply: ten of `[0-9a-z]`, rising with time.
///
/// It is the time in microseconds, in base 36, or one more than the last where that is later. So it is unique without
/// a look into the log, sorts by age, and appends to the end of an index.
package struct MessageID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let length = 10
    /// No moment is later: a million million ids before the ten digits of base 36 end, which they do in the year 2085.
    private static let latest: UInt64 = 3_655_158_440_062_976

    private let number: UInt64

    private init(number: UInt64) {
        self.number = number
    }

    /// - Returns: nil unless `text` is an id of this form.
    package init?(_ text: String) {
        guard text.utf8.count == Self.length else { return nil }
        // By hand, as below: an id is read and written several times for each message.
        var number: UInt64 = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number * 36 + UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): number = number * 36 + UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self.number = number
    }

    /// The same number as a database keys it by.
    package var rowID: Int64 { Int64(clamping: number) }

    package init(rowID: Int64) {
        number = UInt64(max(0, rowID))
    }

    /// The id that a message of that moment has: older messages have lower ones.
    package init(at time: Timestamp) {
        number = min(time.microseconds, Self.latest)
    }

    package var time: Timestamp { Timestamp(microseconds: number) }

    package var description: String {
        // Ten digits are enough for the times of a hundred years and more.
        String(unsafeUninitializedCapacity: Self.length) { space in
            var rest = number
            for place in (0..<Self.length).reversed() {
                let digit = UInt8(rest % 36)
                space[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest /= 36
            }
            return Self.length
        }
    }

    package static func < (first: MessageID, second: MessageID) -> Bool { first.number < second.number }

    /// Hands out ids; one owner, so that none is given twice.
    package struct Sequence {
        private var last: MessageID

        /// Continues behind `last`, the newest id ever given: the clock may have been set back since.
        package init(after last: MessageID?) {
            self.last = last ?? MessageID(number: 0)
        }

        package mutating func next(at time: Timestamp) -> MessageID {
            // A calendar that is set to a time which ten digits cannot name counts for nothing.
            let moment = time.microseconds < MessageID.latest ? time.microseconds : 0
            last = MessageID(number: max(moment, last.number &+ 1))
            return last
        }
    }
}
