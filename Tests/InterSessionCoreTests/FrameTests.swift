import NIOCore
import Testing

@testable import InterSessionCore

@Suite("frames")
struct FrameTests {
    private static let agent = ClientFrame.AgentIntroduction(
        sessionID: "abcd",
        name: "alpha",
        label: "L",
        workingDirectory: "/w",
        processID: 7
    )

    @Test(
        "each frame of a client has its golden JSON",
        arguments: [
            (.init(.ping, ref: "r"), #"{"op":"ping","ref":"r"}"#),
            (.init(.list(all: false)), #"{"op":"list"}"#),
            (.init(.list(all: true)), #"{"op":"list","all":true}"#),
            (.init(.send(to: "b", .init("x\n"))), #"{"op":"send","to":"b","text":"x\n"}"#),
            (
                .init(.send(to: "b", question)),
                #"{"op":"send","to":"b","text":"x","in_reply_to":"aaaaaaaaaa","auto":true,"receipt_within":150,"await":true}"#
            ),
            (.init(.ack(["aaaaaaaaaa", "aaaaaaaaab"])), #"{"op":"ack","msg_ids":["aaaaaaaaaa","aaaaaaaaab"]}"#),
            (.init(.disconnect), #"{"op":"disconnect"}"#),
            (.init(.show(messageID: "aaaaaaaaaa")), #"{"op":"show","msg_id":"aaaaaaaaaa"}"#),
            (
                .init(.log(.init(with: "b", since: "2026-01-02T03:04:05Z", grep: "w", unseenBy: "c", limit: 2))),
                #"{"op":"log","with":"b","since":"2026-01-02T03:04:05Z","grep":"w","unseen_by":"c","limit":2}"#
            ),
            (.init(.broadcast(.init("x"))), #"{"op":"broadcast","text":"x"}"#),
            (.init(.rename(name: "n")), #"{"op":"rename","name":"n"}"#),
            (.init(.bye), #"{"op":"bye"}"#),
            (
                .init(.hello(.init(token: "t", role: .agent(agent), nonce: "n"))),
                #"{"op":"hello","token":"t","role":"agent","session_id":"abcd","name":"alpha","label":"L","cwd":"/w","pid":7,"nonce":"n","features":[]}"#
            ),
            (
                .init(.hello(.init(role: .control(forSession: "abcd"), nonce: "n", features: [.receipts, .acks]))),
                #"{"op":"hello","role":"control","for_session":"abcd","nonce":"n","features":["receipts","acks"]}"#
            ),
            (.init(.hello(.init(role: .observer))), #"{"op":"hello","role":"observer","features":[]}"#),
            (
                .init(
                    .hello(
                        .init(
                            role: .agent(.init(sessionID: nil, suggestedName: "api", printed: ["aaaaaaaaaa"])),
                            nonce: "n"
                        )
                    )
                ),
                #"{"op":"hello","role":"agent","name":"","suggested_name":"api","label":"","cwd":"","printed":["aaaaaaaaaa"],"nonce":"n","features":[]}"#
            ),
        ] as [(ClientRequest, String)]
    )
    func client(request: ClientRequest, json: String) throws {
        #expect(String(buffer: request.encode()) == json)
        #expect(try ClientRequest(decoding: ByteBuffer(string: json)) == request)
    }

    private static let question = {
        var question = ClientFrame.Outgoing("x", inReplyTo: "aaaaaaaaaa", isAutomatic: true)
        question.receiptWithin = 150
        question.awaitsAnswer = true
        return question
    }()
    private static let message = ServerFrame.Message(
        id: "aaaaaaaaaa",
        from: "abcd",
        fromName: "alpha",
        fromLabel: "L",
        to: "beta",
        toSessionID: "efgh",
        text: "x",
        timestamp: "2026-01-02T03:04:05.678Z"
    )
    private static let failure = {
        var failure = ServerFrame.Failure(code: .nameTaken, message: "m", ref: "r")
        failure.candidates = ["a-2"]
        failure.matches = ["b"]
        failure.retryAfter = 3
        failure.limit = 4
        return failure
    }()

    @Test(
        "each frame of the server has its golden JSON",
        arguments: [
            (.pong(ref: nil), #"{"op":"pong"}"#),
            (.peerJoined(sessionID: "a", name: "n"), #"{"op":"peer_joined","session_id":"a","name":"n"}"#),
            (.peerLeft(sessionID: "a"), #"{"op":"peer_left","session_id":"a"}"#),
            (.renamed(sessionID: nil, name: "n", ref: "r"), #"{"op":"renamed","name":"n","ref":"r"}"#),
            (
                .welcome(.init(sessionID: "a", assignedName: "n", forSession: "b", features: ["f"])),
                #"{"op":"welcome","session_id":"a","assigned_name":"n","for_session":"b","features":["f"]}"#
            ),
            (
                .listing(
                    [.init(sessionID: "a", name: "n", label: "l", workingDirectory: "/", since: "s")],
                    gateways: [],
                    ref: nil
                ),
                #"{"op":"list_ok","sessions":[{"session_id":"a","name":"n","label":"l","cwd":"/","since":"s"}]}"#
            ),
            (
                .message(message),
                #"{"op":"msg","msg_id":"aaaaaaaaaa","ts":"2026-01-02T03:04:05.678Z","from":"abcd","from_name":"alpha","from_label":"L","to":"beta","to_session_id":"efgh","text":"x"}"#
            ),
            (
                .error(failure),
                #"{"op":"error","code":"name_taken","message":"m","ref":"r","candidates":["a-2"],"matches":["b"],"retry_after":3,"limit":4}"#
            ),
        ] as [(ServerFrame, String)]
    )
    func server(frame: ServerFrame, json: String) throws {
        #expect(String(buffer: frame.encode()) == json)
        #expect(try ServerFrame.decode(ByteBuffer(string: json)) == frame)
    }

    @Test("each error code keeps its name on the wire", arguments: WireError.Code.known + [.other("future")])
    func errorCodes(code: WireError.Code) {
        #expect(WireError.Code(rawValue: code.rawValue) == code)
    }

    @Test("an op of a newer server is passed over")
    func unknownOp() throws {
        #expect(try ServerFrame.decode(ByteBuffer(string: #"{"op":"future","x":{}}"#)) == nil)
    }
}
