import InterSessionCore
import Testing

@testable import BusServer

@Suite("phase of a connection")
struct ConnectionPhaseTests {
    enum Step {
        case admit, close, wrongToken, wrongTokenOfLocalUser, otherError
    }

    @Test(
        "goes on as the steps say",
        arguments: [
            ([], "listening"),
            ([.admit], "listening, known"),
            ([.wrongToken], "refused"),
            ([.wrongToken, .admit], "refused"),
            ([.wrongToken, .close], "closing"),
            ([.admit, .wrongToken], "listening, known"),
            ([.wrongTokenOfLocalUser], "listening"),
            ([.otherError], "listening"),
            ([.close], "closing"),
            ([.close, .admit], "closing"),
            ([.admit, .close], "closing, known"),
            ([.admit, .close, .close], "closing, known"),
        ] as [([Step], String)]
    )
    func steps(_ steps: [Step], expected: String) {
        var phase = ConnectionPhase.open(.awaitingHello)
        for step in steps {
            switch step {
            case .admit: phase.admit(.observer)
            case .close: _ = phase.close()
            case .wrongToken: _ = phase.refuse(.unauthorized(""), isLocalUser: false)
            case .wrongTokenOfLocalUser: _ = phase.refuse(.unauthorized(""), isLocalUser: true)
            case .otherError: _ = phase.refuse(.invalidPayload(""), isLocalUser: false)
            }
        }
        #expect(describe(phase) == expected)
    }

    private func describe(_ phase: ConnectionPhase) -> String {
        let stage = phase.isListening ? "listening" : phase.isClosing ? "closing" : "refused"
        return if case .observer = phase.peer { "\(stage), known" } else { stage }
    }

    @Test(
        "an error ends a connection before its hello, and later for a guess at the token",
        arguments: [
            (.unauthorized(""), false, false, .endLater),
            (.unauthorized(""), true, false, .end),
            (.invalidPayload(""), false, false, .end),
            (.unauthorized(""), false, true, .answer),
            (.invalidPayload(""), true, true, .answer),
        ] as [(WireError, Bool, Bool, ConnectionPhase.Refusal)]
    )
    func refusals(_ error: WireError, isLocalUser: Bool, isKnown: Bool, expected: ConnectionPhase.Refusal) {
        var phase = ConnectionPhase.open(isKnown ? .observer : .awaitingHello)
        let refusal = phase.refuse(error, isLocalUser: isLocalUser)
        #expect(refusal == expected)
    }

    @Test("closes once")
    func once() {
        var phase = ConnectionPhase.open(.observer)
        let closings = [phase.close(), phase.close()]
        #expect(closings == [true, false])
    }
}
