import InterSessionCore
import Platform

/// Whole processes, as a user waits for them: from their start to their end, or to the line that counts.
struct ProcessFigures {
    let tools: String
    let runs: Int

    func measure() async throws -> [Figure] {
        let nothing = try await BenchBus.with(tools: tools) { bus in
            Samples(milliseconds: try (0..<runs).map { _ in try timed { try bus.run("nothing", []) } })
        }
        var figures = try await withSessions() + [cold()]
        for index in figures.indices {
            figures[index].floors = [.init(name: "an empty program", median: nothing.median)]
        }
        return figures
    }

    private func withSessions() async throws -> [Figure] {
        try await BenchBus.with(tools: tools) { bus in
            let clients = try (1...5).map { try BenchClient(bus, "s\($0)", session: $0) }
            defer { for client in clients { client.end() } }
            let send = ["--to", "s2", "--text", "hello"]
            var figures = [
                try figure("send", target: 8) { try timed { try bus.run("send", send) } },
                try figure("list, 5 sessions", target: 8) { try timed { try bus.run("list", []) } },
                try figure("client, server up", target: 10) { try connecting(bus) },
                try figure("send to the receiver's stdout", target: 8) { try arriving(bus, at: clients[1]) },
                try figure("ask and answer") { try asking(bus, clients[1]) },
            ]
            if let launcher {
                figures.insert(
                    try figure("bin/send, with the launcher") { try timed { try bus.run("\(launcher)/send", send) } },
                    at: 1
                )
            }
            return figures
        }
    }

    private func figure(_ name: String, target: Double? = nil, _ run: () throws -> Duration) throws -> Figure {
        // The first runs bring the program into memory.
        for _ in 0..<3 { _ = try run() }
        let samples = Samples(milliseconds: try (0..<runs).map { _ in try run() })
        return Figure(name: name, unit: .milliseconds, samples: samples, target: target)
    }

    private func connecting(_ bus: BenchBus) throws -> Duration {
        var client: BenchClient?
        let time = try timed { client = try BenchClient(bus, "guest", session: 99) }
        client?.end()
        return time
    }

    private func arriving(_ bus: BenchBus, at receiver: BenchClient) throws -> Duration {
        let start = ContinuousClock.now
        let send = try bus.start("send", ["--to", "s2", "--text", "to your screen"])
        _ = try receiver.line(containing: "to your screen")
        let time = ContinuousClock.now - start
        send.wait()
        return time
    }

    /// From the start of `send --wait`, by way of the other session's `send --re`, to the answer on its output.
    private func asking(_ bus: BenchBus, _ receiver: BenchClient) throws -> Duration {
        let start = ContinuousClock.now
        let (answer, question) = try bus.startReading(
            "send",
            ["--to", "s2", "--text", "what is it?", "--wait", "30"],
            session: 1
        )
        let line = try receiver.line(containing: "what is it?")
        guard let id = line.firstMatch(of: /msg=([a-z0-9]+)/)?.output.1 else {
            throw BenchBus.Failure(description: "no id in '\(line)'")
        }
        let answering = try bus.start("send", ["--to", "s1", "--re", String(id), "--text", "it is this"], session: 2)
        guard answer.readLines(within: BenchBus.patience, until: { _ in true }) == ["it is this"] else {
            throw BenchBus.Failure(description: "no answer came")
        }
        let time = ContinuousClock.now - start
        question.wait()
        answering.wait()
        return time
    }

    private func cold() async throws -> Figure {
        var times: [Duration] = []
        for _ in 0..<max(3, runs / 2) {
            try await BenchBus.with(tools: tools) { bus in
                var client: BenchClient?
                times.append(try timed { client = try BenchClient(bus, "first", session: 1) })
                client?.end()
            }
        }
        return Figure(
            name: "client, no server yet",
            unit: .milliseconds,
            samples: .init(milliseconds: times),
            target: 35
        )
    }

    /// `bin/` of the checkout that this program was built in.
    private var launcher: String? {
        var place = Environment.executable ?? ""
        while let slash = place.lastIndex(of: "/"), slash > place.startIndex {
            place = String(place[..<slash])
            if File.exists("\(place)/bin/launcher") { return "\(place)/bin" }
        }
        return nil
    }
}
