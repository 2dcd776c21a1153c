import Testing

@testable import BusServer

@Suite("flushing")
struct OutputFlushingTests {
    enum Step {
        case read, write, endRead, endTurn
    }

    @Test(
        "goes out once for all that is written together",
        arguments: [
            ([.write], "schedule"),
            ([.write, .write, .endTurn], "schedule, flush"),
            ([.write, .endTurn, .endTurn], "schedule, flush"),
            ([.write, .endTurn, .write, .endTurn], "schedule, flush, schedule, flush"),
            ([.read, .endRead], ""),
            ([.read, .write, .read, .write, .endRead], "flush"),
            ([.read, .write, .endTurn, .endRead], "flush"),
            // What was scheduled before goes out with what is written while frames are read.
            ([.write, .read, .write, .endRead, .endTurn], "schedule, flush"),
            ([.write, .endRead, .endTurn], "schedule, flush"),
            ([.endRead, .endTurn], ""),
        ] as [([Step], String)]
    )
    func steps(_ steps: [Step], expected: String) {
        var flushing = OutputFlushing.idle
        let actions = steps.compactMap { step -> String? in
            switch step {
            case .read:
                flushing.beganReading()
                return nil
            case .write: return flushing.wrote() ? "schedule" : nil
            case .endRead: return flushing.endedReading() ? "flush" : nil
            case .endTurn: return flushing.turnEnded() ? "flush" : nil
            }
        }
        #expect(actions.joined(separator: ", ") == expected)
    }
}
