import InterSessionCore
import TestSupport
import Testing

@testable import BusServer

/// Programs that answer each other, and whoever says too much.
@Suite("loops")
struct LoopTests {
    private static let sender = "receipts hold replies history"

    @Test("programs that answer each other are stopped four deep, and both sessions are told why")
    func hopLimit() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.sender + " acks notices")
            let beta = try await bus.join("beta", features: Self.sender + " acks notices")
            var id = try await alpha.message("?", to: "beta").requiredString("msg_id")
            let peers = [(beta, "alpha"), (alpha, "beta")]
            for depth in 0..<4 {
                let (peer, target) = peers[depth % 2]
                id = try await peer.message("auto", to: target, more: #","auto":true,"in_reply_to":"\#(id)""#)
                    .requiredString("msg_id")
            }
            let fifth = #"{"op":"send","to":"alpha","text":"x","auto":true,"in_reply_to":"\#(id)"}"#
            try await beta.send(fifth)
            #expect(try await beta.find("error").string("code") == "hop_limit")
            for peer in [alpha, beta] {
                #expect(try await peer.find("notice").string("text")?.contains("hop_limit") == true)
            }
            // Once is enough for both.
            try await beta.send(fifth)
            try await beta.expectError("hop_limit")
            for peer in [alpha, beta] { try await peer.expectSilence() }
        }
    }

    @Test("a pair of sessions that exceeds its messages a minute has to wait; others do not")
    func pairLimit() async throws {
        try await MemoryBus.with { bus in
            let alpha = try await bus.join("alpha", features: Self.sender + " notices")
            let beta = try await bus.join("beta", features: Self.sender + " notices")
            _ = try await bus.join("gamma")
            for number in 0..<120 {
                let (peer, target) = number % 2 == 0 ? (alpha, "beta") : (beta, "alpha")
                try await peer.message("x", to: target)
            }
            try await alpha.send(#"{"op":"send","to":"beta","text":"x"}"#)
            let error = try await alpha.find("error")
            #expect(try error.string("code") == "rate_limited")
            #expect((1...60).contains(try error.integer("retry_after") ?? 0))
            for peer in [alpha, beta] { try await peer.find("notice") }
            try await alpha.message("x", to: "gamma")
        }
    }

    @Test("a message counts for a window of time and no longer; a refused one does not count")
    func window() throws {
        var limiter = RateLimiter<Int>(most: 2, window: .seconds(60), of: "things")
        let start = ContinuousClock.now
        try limiter.admit(1, at: start)
        try limiter.admit(1, at: start + .seconds(40))
        #expect(throws: WireError.rateLimited(retryAfter: 10, of: "2 things")) {
            try limiter.admit(1, at: start + .seconds(50))
        }
        // Another key has a window of its own.
        try limiter.admit(2, at: start + .seconds(50))
        try limiter.admit(1, at: start + .seconds(60))
        #expect(throws: WireError.rateLimited(retryAfter: 39, of: "2 things")) {
            try limiter.admit(1, at: start + .seconds(61))
        }
    }

    @Test("a pair of sessions that had to wait goes on when the window has passed")
    func pairLimitEnds() async throws {
        var settings = MailSettings()
        settings.pairLimit = 2
        let clock = TestClock()
        try await TemporaryDirectory.with { [settings] path in
            try await MemoryBus.with(path, settings, clock: clock) { bus in
                let alpha = try await bus.join("alpha", features: Self.sender)
                _ = try await bus.join("beta")
                for _ in 1...2 { try await alpha.message("x", to: "beta") }
                try await alpha.send(#"{"op":"send","to":"beta","text":"x"}"#)
                #expect(try await alpha.find("error").string("code") == "rate_limited")
                clock.advance(by: WireLimits.pairWindow + .seconds(1))
                try await alpha.message("x", to: "beta")
            }
        }
    }
}
