import InterSessionCore
import Platform

/// Whole processes, as a user waits for them: from their start to their end, or to the line that counts.
struct ProcessFigures {
    let tools: String
    let runs: Int

    func measure() async throws -> [Figure] {
        try await withSessions() + [cold()]
    }

    private func withSessions() async throws -> [Figure] {
        try await BenchBus.with(tools: tools) { bus in
            let clients = try (1...5).map { try BenchClient(bus, "s\($0)", session: $0) }
            defer { for client in clients { client.end() } }
            let send = ["--to", "s2", "--text", "hello"]
            let version = try figure("send --version", on: bus, factor: 4) { try run("send", ["--version"], on: bus) }
            var figures = [
                version,
                try figure("list, 5 sessions", on: bus, target: 8, factor: 6) { try run("list", [], on: bus) },
                try figure("send", on: bus, target: 8, factor: 8) { try run("send", send, on: bus) },
            ]
            if let launcher {
                figures += [
                    try figure("bin/send, with the launcher", on: bus) { try run("\(launcher)/send", send, on: bus) },
                    try share(of: "\(launcher)/send", beside: version, on: bus),
                ]
            }
            return figures + [
                try figure("client, server up", on: bus, target: 10) { try connecting(bus) },
                try figure("send to the receiver's stdout", on: bus, target: 8) { try arriving(bus, at: clients[1]) },
                try figure("ask and answer", on: bus) { try asking(bus, clients[1]) },
            ]
        }
    }

    private func run(_ tool: String, _ arguments: [String], on bus: BenchBus) throws -> Duration {
        try timed { try bus.run(tool, arguments) }
    }

    /// Beside each run one of an empty program: the machine is seldom ours alone, and both are to see the same of it.
    private func figure(
        _ name: String,
        on bus: BenchBus,
        target: Double? = nil,
        factor: Double? = nil,
        _ body: () throws -> Duration
    ) throws -> Figure {
        // The first runs bring the program into memory.
        for _ in 0..<3 { _ = try body() }
        var times: [Duration] = []
        var floor: [Duration] = []
        for _ in 0..<runs {
            times.append(try body())
            floor.append(try run("nothing", [], on: bus))
        }
        return Figure(
            name: name,
            unit: .milliseconds,
            samples: .init(milliseconds: times),
            floors: [.init(name: "an empty program", median: Samples(milliseconds: floor).median)],
            target: target,
            factor: factor
        )
    }

    /// What the launcher takes itself, of whatever it starts.
    private func share(of launcher: String, beside version: Figure, on bus: BenchBus) throws -> Figure {
        var figure = try figure("… the launcher's share", on: bus) { try run(launcher, ["--version"], on: bus) }
        figure.samples = figure.samples.less(version.samples.median)
        return figure
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
