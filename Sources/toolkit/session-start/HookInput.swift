import InterSessionCore
import NIOCore

/// What Claude Code tells a hook on standard input. All of it may be missing.
struct HookInput {
    let sessionID: String?
    let workingDirectory: String?

    init(_ bytes: [UInt8]) {
        let object = try? JSONObject(ByteBuffer(bytes: bytes))
        sessionID = try? object?.string("session_id")
        workingDirectory = try? object?.string("cwd")
    }
}
