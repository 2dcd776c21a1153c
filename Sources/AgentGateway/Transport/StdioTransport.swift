package import AsyncAlgorithms
package import InterSessionCore
package import Logging
package import NIOCore
import Synchronization

/// Mail through the standard input and output of the gateway, one JSON object a line: any program can be the wire
/// (docs/PROTOCOL.md, "Stdio").
package struct StdioTransport: Transport {
    package typealias Arrivals = AsyncThrowingChannel<Arrival, any Error>

    /// How long the wire may take to say that it has a body.
    private static let patience: Duration = .seconds(30)
    /// A body, written as a JSON string, and what is around it.
    private static let longestLine = WireLimits.frame * 2

    private let arrivals = Arrivals()
    private let known: AsyncStream<Set<AgentName>>
    private let knownAgents: AsyncStream<Set<AgentName>>.Continuation
    private let answers = Answers()
    private let lines: StandardLines
    private let logger: Logger

    package var label: String { "stdio" }

    /// - Throws: `PlatformError`.
    package init(logger: Logger) throws {
        self.logger = logger
        lines = try StandardLines(longest: Self.longestLine)
        (known, knownAgents) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Returns when the wire has closed our input, while nobody reads from it yet.
    ///
    /// - Throws: `PlatformError`, `CancellationError`.
    package func waitForEnd() async throws {
        try await lines.waitForEnd()
    }

    /// Reads what the wire says, until it closes our input.
    package func run() async throws {
        defer {
            arrivals.finish()
            answers.close()
        }
        var agents: Set<AgentName> = []
        while let line = try await lines.read() {
            do {
                switch try WireLine(line) {
                case .deliver(let id, let sender, let body):
                    // Whoever writes to us can be written to.
                    if let sender, agents.insert(sender).inserted { knownAgents.yield(agents) }
                    await arrivals.send(
                        Arrival(id: id, sender: sender, body: ByteBuffer(string: body)) { [lines] in
                            try await lines.write(WireLine.acknowledgement(of: id))
                        }
                    )
                case .agents(let names):
                    agents = names
                    knownAgents.yield(names)
                case .sent(let id): answers.resolve(id, nil)
                case .failed(let id, let error): answers.resolve(id, error)
                }
            } catch {
                logger.warning("a line of the wire is not understood: \(error)")
                try await lines.write(WireLine.error("\(error)"))
            }
        }
    }

    package func receive() -> Arrivals { arrivals }

    package func watchAgents(_ report: @Sendable (Set<AgentName>) async -> Void) async {
        for await agents in known { await report(agents) }
    }

    package func send(_ body: ByteBuffer, to agent: AgentName, id: MessageID) async throws(TransportError) {
        let failure: TransportError?
        do {
            let answer = answers.expect(id.description)
            try await lines.write(WireLine.body(body, to: agent, id: id))
            failure = try await withDeadline(Self.patience, else: TransportError.failed("the wire does not answer")) {
                for await answer in answer { return answer }
                return TransportError.failed("the wire is gone")
            }
        } catch {
            throw error as? TransportError ?? .failed("\(error)")
        }
        if let failure { throw failure }
    }
}

/// What the wire says, and what is said to it.
private enum WireLine {
    case deliver(id: String, sender: AgentName?, body: String)
    case agents(Set<AgentName>)
    case sent(id: String)
    case failed(id: String, TransportError)

    private static let longestID = 128

    init(_ line: ByteBuffer) throws(JSONError) {
        let object = try JSONObject(foreign: line, keeping: ["op", "id", "from", "body", "names", "reason", "final"])
        switch try object.requiredString("op") {
        case "deliver":
            let id = try object.requiredString("id")
            guard id.utf8.count <= Self.longestID, !id.utf8.contains(0) else {
                throw .wrongType(field: "id", expected: "128 bytes at most, without U+0000")
            }
            self = .deliver(
                id: id,
                sender: try object.string("from").flatMap { AgentName(rawValue: $0) },
                body: try object.requiredString("body")
            )
        case "agents":
            self = .agents(Set(try (object.strings("names") ?? []).compactMap { AgentName(rawValue: $0) }))
        case "sent": self = .sent(id: try object.requiredString("id"))
        case "failed":
            let reason = try object.string("reason") ?? "the wire gives no reason"
            let isFinal = try object.boolean("final") ?? false
            self = .failed(id: try object.requiredString("id"), isFinal ? .refused(reason) : .failed(reason))
        case let op:
            throw .wrongType(
                field: "op",
                expected: "\"deliver\", \"agents\", \"sent\" or \"failed\", not \"\(op.prefix(40))\""
            )
        }
    }

    static func body(_ body: ByteBuffer, to agent: AgentName, id: MessageID) -> ByteBuffer {
        // Its quotes are escaped; a text of many lines or quotes takes more, and one larger step of the buffer.
        JSONWriter.object(capacity: body.readableBytes + 1024) { json in
            json.field("op", "send")
            json.field("id", id.description)
            json.field("to", agent.rawValue)
            json.field("body", utf8: body)
        }
    }

    static func acknowledgement(of id: String) -> ByteBuffer {
        JSONWriter.object { json in
            json.field("op", "ack")
            json.field("id", id)
        }
    }

    static func error(_ message: String) -> ByteBuffer {
        JSONWriter.object { json in
            json.field("op", "error")
            json.field("message", message)
        }
    }
}

/// Who waits for word of which body.
private final class Answers: Sendable {
    private let waiting = Mutex<[String: AsyncStream<TransportError?>.Continuation]>([:])

    /// The one answer to what is sent next; none when the wire is gone first.
    func expect(_ id: String) -> AsyncStream<TransportError?> {
        let (stream, continuation) = AsyncStream.makeStream(of: TransportError?.self)
        waiting.withLock { $0.updateValue(continuation, forKey: id) }?.finish()
        return stream
    }

    func resolve(_ id: String, _ error: TransportError?) {
        let continuation = waiting.withLock { $0.removeValue(forKey: id) }
        continuation?.yield(error)
        continuation?.finish()
    }

    func close() {
        let all = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting.values.map { $0 }
        }
        for continuation in all { continuation.finish() }
    }
}
