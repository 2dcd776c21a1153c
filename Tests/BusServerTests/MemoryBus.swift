import InterSessionCore
import Logging
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Platform
import TestSupport
import Testing

@testable import BusServer

/// The server's own parts around an event loop in memory: frames go in and out without a socket.
struct MemoryBus: Sendable {
    let loop: NIOAsyncTestingEventLoop
    let directory: DataDirectory
    let bus: Bus

    static let token = "the-token-of-the-tests-0123456789-abcdef"

    /// Runs `body` on a bus of its own.
    static func with(_ settings: MailSettings = .init(), _ body: @Sendable (MemoryBus) async throws -> Void)
        async throws
    {
        try await TemporaryDirectory.with { path in try await with(path, settings, body: body) }
    }

    /// Runs `body` on a bus in that directory, where one may have been before.
    static func with(
        _ path: String,
        _ settings: MailSettings = .init(),
        clock: TestClock = TestClock(),
        body: @Sendable (MemoryBus) async throws -> Void
    ) async throws {
        let memory = try await MemoryBus(DataDirectory(path: path), settings, clock)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await memory.bus.storageWorker.run() }
            do {
                try await body(memory)
            } catch {
                memory.bus.stopAccepting()
                throw error
            }
            memory.bus.stopAccepting()
            try await tasks.waitForAll()
        }
    }

    /// A bus in that directory. Whoever starts it runs its storage, and ends it; nobody looks for stale connections, so
    /// that any time may pass.
    static func start(_ path: String, _ settings: MailSettings, clock: TestClock) async throws -> MemoryBus {
        try await MemoryBus(DataDirectory(path: path), settings, clock, checksPeriodically: false)
    }

    private init(
        _ directory: DataDirectory,
        _ settings: MailSettings,
        _ clock: TestClock,
        checksPeriodically: Bool = true
    ) async throws {
        try directory.prepare()
        if !File.exists(directory.token) { try File.create(directory.token, with: Self.token.utf8) }
        let loop = NIOAsyncTestingEventLoop()
        let opened = try Bus.OpenedStore(directory.path, settings)
        let token = try BearerToken(of: directory)
        bus = try await loop.executeInContext {
            let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
            let given = Bus.Parameters(
                directory: directory,
                token: token,
                settings: settings,
                clock: clock.clock,
                logger: logger
            )
            let bus = Bus(opened, given, loop, databaseWasReplaced: {}, onIdle: {})
            if checksPeriodically {
                bus.startPeriodicChecks(in: directory, token, isThere: { true }, leave: {}, others: [])
            }
            return bus
        }
        self.loop = loop
        self.directory = directory
    }

    var messageLog: String { "\(directory.path)/messages.log" }

    /// A peer that has not said hello.
    func connect(isLocalUser: Bool = false) async throws -> MemoryPeer {
        let channel = NIOAsyncTestingChannel(loop: loop)
        let router = bus.router
        try await loop.executeInContext {
            let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
            let connection = Connection(router: router.value, isLocalUser: isLocalUser, logger: logger)
            try channel.pipeline.syncOperations.addHandlers(BusListener.frameHandlers(connection))
            connection.startHelloDeadline(on: channel)
        }
        try await channel.connect(to: SocketAddress(unixDomainSocketPath: "/memory")).get()
        return MemoryPeer(channel: channel, loop: loop)
    }

    /// An agent that was welcomed. Its session id and its nonce come from its name.
    ///
    /// - Parameter more: further fields of its hello, each with a comma before it.
    func join(_ name: String, label: String = "", features: String = "", more: String = "") async throws -> MemoryPeer {
        let peer = try await connect(isLocalUser: true)
        try await peer.send(
            #"{"op":"hello","role":"agent","session_id":"id-\#(name)","name":"\#(name)","label":"\#(label)","nonce":"n-\#(name)","features":[\#(list(features))]\#(more)}"#
        )
        _ = try await peer.expect("welcome")
        return peer
    }

    /// A control connection of the agent that joined under `name`.
    func control(_ name: String, features: String = "") async throws -> MemoryPeer {
        let peer = try await connect(isLocalUser: true)
        try await peer.send(
            #"{"op":"hello","role":"control","for_session":"id-\#(name)","nonce":"n-\#(name)","features":[\#(list(features))]}"#
        )
        _ = try await peer.expect("welcome")
        return peer
    }

    /// The gateway of an agent, through which others are known.
    ///
    /// - Parameter mail: how much must wait for it.
    func gateway(_ agent: String, knows agents: String = "", mail: Int = 0) async throws -> MemoryPeer {
        let peer = try await connect(isLocalUser: true)
        try await peer.send(
            #"{"op":"hello","role":"gateway","agent":"\#(agent)","label":"spool","policy":"primary","pid":1,"features":[\#(list("receipts acks replies keys gateways history"))]}"#
        )
        _ = try await peer.expect("welcome")
        #expect(try await peer.expect("waiting").integer("count") == mail)
        try await peer.send(#"{"op":"agents","names":[\#(list(agents))]}"#)
        return peer
    }

    private func list(_ words: String) -> String {
        words.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ",")
    }
}

/// One end of a connection: says frames, and expects some.
struct MemoryPeer: Sendable {
    let channel: NIOAsyncTestingChannel
    let loop: NIOAsyncTestingEventLoop

    private static let patience: Duration = .seconds(60)

    func send(_ json: String) async throws {
        try await send(.text, ByteBuffer(string: json))
    }

    func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, masked: Bool = true, fin: Bool = true) async throws {
        var data = data
        let key: WebSocketMaskingKey? = masked ? [1, 2, 3, 4] : nil
        if let key { data.webSocketMask(key) }
        try await channel.writeInbound(WebSocketFrame(fin: fin, opcode: opcode, maskKey: key, data: data))
        await loop.run()
    }

    /// The next frame, which must be this op.
    @discardableResult
    func expect(_ op: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSONObject {
        let frame = try await next()
        try #require(frame.opcode == .text, "expected \(op), got \(frame)", sourceLocation: sourceLocation)
        let object = try JSONObject(frame.data)
        try #require(
            try object.string("op") == op,
            "expected \(op), got \(String(buffer: frame.data))",
            sourceLocation: sourceLocation
        )
        return object
    }

    /// The next frame of this op; what else is said before it is passed over.
    @discardableResult
    func find(_ op: String) async throws -> JSONObject {
        while true {
            let object = try JSONObject(try await next().data)
            if try object.string("op") == op { return object }
        }
    }

    /// The texts of the next messages, whatever else is said between them.
    func texts(_ count: Int) async throws -> [String] {
        var texts: [String] = []
        for _ in 0..<count { texts.append(try await find("msg").requiredString("text")) }
        return texts
    }

    /// Sends a message to `target` and returns the answer that says so.
    ///
    /// - Parameter more: further fields, each with a comma before it.
    @discardableResult
    func message(_ text: String, to target: String, more: String = "") async throws -> JSONObject {
        try await send(#"{"op":"send","to":"\#(target)","text":"\#(text)"\#(more)}"#)
        return try await find("sent")
    }

    func leave() async throws {
        try await send(#"{"op":"bye"}"#)
        try await channel.closeFuture.get()
    }

    /// The next frame, which must be an error of this code.
    @discardableResult
    func expectError(_ code: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSONObject {
        let object = try await expect("error", sourceLocation: sourceLocation)
        #expect(try object.string("code") == code, sourceLocation: sourceLocation)
        #expect(try object.string("message")?.isEmpty == false, sourceLocation: sourceLocation)
        return object
    }

    /// The next frame, which must close the connection with this code.
    func expectClose(_ code: UInt16, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var frame = try await next()
        try #require(frame.opcode == .connectionClose, sourceLocation: sourceLocation)
        #expect(frame.data.readInteger(as: UInt16.self) == code, sourceLocation: sourceLocation)
        try await channel.closeFuture.get()
    }

    /// Proves that nothing else was said until now.
    func expectSilence(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await send(#"{"op":"ping","ref":"silence"}"#)
        let pong = try await expect("pong", sourceLocation: sourceLocation)
        #expect(try pong.string("ref") == "silence", sourceLocation: sourceLocation)
    }

    /// The next frame that is no question for a sign of life.
    private func next() async throws -> WebSocketFrame {
        try await eventually("a frame", within: Self.patience) {
            while let frame = try await channel.readOutbound(as: WebSocketFrame.self) {
                if frame.opcode != .ping { return frame }
            }
            return nil
        }
    }
}

extension MailSettings {
    /// For tests that send more than people do.
    static let unlimited = {
        var settings = MailSettings()
        settings.pairLimit = 0
        return settings
    }()
}
