import InterSessionCore
import Testing

@testable import BusServer

@Suite("calendar check")
struct CalendarCheckTests {
    private static let absence: Duration = .seconds(3.5 * 86_400)
    private static let start = Timestamp(microseconds: 1_800_000_000_000_000)

    private static func hours(_ number: Double) -> Duration { .seconds(number * 3600) }

    /// One look after another: how far the calendar moves, how much time passes (nil: a new server), and whether the
    /// calendar is doubted then.
    @Test(
        "a calendar is doubted when it jumps forward, until the bus has run by it or it goes back",
        arguments: [
            [(0.5, 0.5, false), (0.5, 0.5, false), (2, 0.5, true)],
            [(48, nil, false), (83, nil, false), (85, nil, true)],
            [(360, nil, true), (-360, nil, false), (0.5, 0.5, false)],
            [(360, nil, true), (0.5, 0.5, true), (7, 7, true), (0.5, 0.5, false)],
            // Absences are no time by which the bus has run.
            [(360, nil, true), (80, nil, true), (360, nil, true), (8, 8, false)],
            [(-360, 0.5, false), (360, 0.5, true), (-1, 0.5, true), (-359, 0.5, false)],
            [(1_000_000, 0.5, true), (-1_000_000, 0.5, false)],
        ] as [[(Double, Double?, Bool)]]
    )
    func looks(looks: [(step: Double, elapsed: Double?, isDoubted: Bool)]) {
        var calendar = CalendarCheck(seen: Self.start)
        var now = Self.start
        for look in looks {
            now = now + Self.hours(look.step)
            _ = calendar.look(at: now, elapsed: look.elapsed.map(Self.hours), longestAbsence: Self.absence)
            #expect(calendar.isDoubted == look.isDoubted, "\(look)")
        }
    }

    @Test("a jump is said once")
    func said() {
        var calendar = CalendarCheck(seen: Self.start)
        let jump = calendar.look(at: Self.start + Self.hours(360), elapsed: nil, longestAbsence: Self.absence)
        #expect(jump == Self.hours(360))
        #expect(calendar.look(at: Self.start + Self.hours(361), elapsed: Self.hours(1), longestAbsence: .zero) == nil)
        #expect(calendar.isDoubted)
    }

    @Test("arithmetic of the calendar does not trap, whatever it says", arguments: [0, 1, UInt64.max / 2, .max])
    func extremes(microseconds: UInt64) {
        let moment = Timestamp(microseconds: microseconds)
        for other in [Timestamp(microseconds: 0), Self.start, Timestamp(microseconds: .max)] {
            _ = moment.timeSince(other)
            _ = other.timeSince(moment)
        }
        for span in [Duration.seconds(1), .seconds(-1), .seconds(Int64.max / 2), .seconds(Int64.min / 2)] {
            _ = moment + span
            _ = moment - span
        }
        #expect(!moment.iso8601.isEmpty)
        var ids = MessageID.Sequence(after: MessageID(at: moment))
        let first = ids.next(at: moment)
        let second = ids.next(at: Timestamp(microseconds: 0))
        #expect(first < second && first.description < second.description)
        #expect(MessageID(second.description) == second)
    }

    // MARK: Corrections

    private static let jump: Duration = .seconds(15 * 86_400)

    /// A calendar that is doubted: it was looked at, and has jumped.
    private func doubted() -> CalendarCheck {
        var check = CalendarCheck()
        _ = check.look(at: Self.start, elapsed: nil, longestAbsence: .seconds(3 * 86_400))
        #expect(look(&check, after: Self.jump + .seconds(1800), elapsed: .seconds(1800)) == Self.jump + .seconds(1800))
        #expect(check.isDoubted)
        return check
    }

    @discardableResult
    private func look(_ check: inout CalendarCheck, after time: Duration, elapsed: Duration?) -> Duration? {
        check.look(at: Self.start + time, elapsed: elapsed, longestAbsence: .seconds(3 * 86_400))
    }

    @Test("a small correction of a calendar that jumped does not make it right")
    func correction() {
        var check = doubted()
        look(&check, after: Self.jump + .seconds(1796), elapsed: nil)
        #expect(check.isDoubted)
        look(&check, after: Self.jump - .seconds(4 * 86_400), elapsed: .seconds(1800))
        #expect(check.isDoubted)
    }

    @Test("a calendar that is set back to where it was is believed at once")
    func setRight() {
        var check = doubted()
        look(&check, after: .seconds(3600), elapsed: .seconds(1800))
        #expect(!check.isDoubted)
    }

    @Test("a calendar is believed when the bus has run by it for eight hours, counted from its last jump")
    func patience() {
        var check = doubted()
        look(&check, after: Self.jump + .seconds(1800 + 5 * 3600), elapsed: .seconds(5 * 3600))
        look(&check, after: Self.jump * 2 + .seconds(3600 + 5 * 3600), elapsed: .seconds(1800))
        look(&check, after: Self.jump * 2 + .seconds(3600 + 10 * 3600), elapsed: .seconds(5 * 3600))
        #expect(check.isDoubted)
        look(&check, after: Self.jump * 2 + .seconds(3600 + 13 * 3600), elapsed: .seconds(3 * 3600))
        #expect(!check.isDoubted)
    }
}
