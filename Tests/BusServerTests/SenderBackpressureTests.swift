import Testing

@testable import BusServer

@Suite("backpressure on a sender")
struct SenderBackpressureTests {
    @Test("what waits is due when all that was accepted before it is decided, in its order")
    func order() {
        var unsettled = SenderBackpressure<String>()
        let atOnce = unsettled.wait("at once")
        #expect(atOnce == "at once")
        for _ in 0..<3 { unsettled.hold(bytes: 1) }
        let waits = ["after three", "after three, too"].map { unsettled.wait($0) }
        #expect(waits == [nil, nil])
        unsettled.hold(bytes: 1)
        let last = unsettled.wait("after four")
        #expect(last == nil)
        let due = (0..<4).map { _ in unsettled.settle(bytes: 1).due }
        #expect(due == [[], [], ["after three", "after three, too"], ["after four"]])
        let again = unsettled.wait("again")
        #expect(again == "again")
    }

    /// With `held` messages of `bytes` on their way, whether the peer is read from, and how many must be decided for that.
    @Test(
        "a peer is not read from while too much of it is being written",
        arguments: [
            (0, 0, 0),
            (1, 4096, 0),
            (341, 4096, 0),
            (342, 4096, 1),
            (400, 4096, 59),
            (3072, 0, 1),
            (1, 700_000, 0),
            (2, 700_000, 1),
            (1, 10 << 20, 1),
            (3, 10 << 20, 3),
        ]
    )
    func reading(held: Int, bytes: Int, decided: Int) {
        var unsettled = SenderBackpressure<String>()
        for _ in 0..<held { unsettled.hold(bytes: bytes) }
        let mayRead = unsettled.mayRead()
        #expect(mayRead == (decided == 0))
        let resumed = (1...max(1, held)).filter { _ in held > 0 && unsettled.settle(bytes: bytes).resumesReading }
        #expect(resumed == (decided == 0 ? [] : [decided]))
        let mayReadAtTheEnd = unsettled.mayRead()
        #expect(mayReadAtTheEnd)
    }

    @Test("reading that nobody asked for is not resumed")
    func notAsked() {
        var unsettled = SenderBackpressure<String>()
        unsettled.hold(bytes: 10 << 20)
        let release = unsettled.settle(bytes: 10 << 20)
        #expect(!release.resumesReading)
    }

    @Test("a large message counts twice", arguments: [(0, 512), (200, 712), (262_143, 262_655), (262_144, 524_288)])
    func weight(bytes: Int, expected: Int) {
        #expect(StorageLoad.weight(ofMessage: bytes) == expected)
    }
}
