import InterSessionCore
import NIOCore
import Platform

// What libFuzzer calls (https://llvm.org/docs/LibFuzzer.html). `INTER_SESSION_FUZZ_TARGET` says which reader gets the
// bytes; the script `.ci/fuzz` runs all of them.

private let target = Environment["INTER_SESSION_FUZZ_TARGET"].flatMap(FuzzTarget.init) ?? .frame

/// Reads the bytes as the chosen reader does.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.read(ByteBuffer(bytes: UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// A reader of bytes that others made. It may refuse them; what it may not do is crash, hang, or let through what it
/// promises to keep out.
enum FuzzTarget: String {
    case frame, envelope, state, monitors, line

    func read(_ bytes: ByteBuffer) {
        switch self {
        case .frame: readFrame(bytes)
        case .envelope: readEnvelope(bytes)
        case .state:
            if let state = try? SessionState(bytes) {
                precondition((try? SessionState(state.encode())) == state, "a state is not read back")
            }
        case .monitors: _ = try? MonitorsFile(path: "monitors.json", bytes: Array(bytes.readableBytesView))
        case .line: readLine(bytes)
        }
    }

    private func readFrame(_ bytes: ByteBuffer) {
        if let request = try? ClientRequest(decoding: bytes) {
            precondition((try? ClientRequest(decoding: request.encode())) == request, "a request is not read back")
        }
        if let frame = try? ServerFrame.decode(bytes) {
            precondition((try? ServerFrame.decode(frame.encode())) != nil, "a frame is not read back")
        }
    }

    private func readEnvelope(_ bytes: ByteBuffer) {
        let message = OutsideMessage(decoding: bytes)
        for label in [message.fromSession, message.toSession] {
            if let label { precondition(RoutingLabel(rawValue: label.rawValue) != nil, "an unsafe label") }
        }
        if let envelope = SessionEnvelope(decoding: bytes) {
            precondition(SessionEnvelope(decoding: envelope.encode()) == envelope, "an envelope is not read back")
        }
    }

    private func readLine(_ bytes: ByteBuffer) {
        let text = String(buffer: bytes)
        var message = ServerFrame.Message(
            id: String(text.prefix(16)),
            from: "abcd1234",
            fromName: String(text.suffix(60)),
            fromLabel: String(text.prefix(60)),
            text: text,
            timestamp: ""
        )
        message.inReplyTo = String(text.suffix(12))
        for line in NotificationLine.lines(for: message, log: "messages.log") + [NotificationLine.notice(text)] {
            precondition(line.utf16.count <= NotificationLine.longest, "a line is too long")
            precondition(line.hasPrefix("[inter-session"), "a line does not begin as it must")
            precondition(hasPlainHead(line.unicodeScalars), "a forged attribute, or a head without its end")
            for scalar in line.unicodeScalars where scalar != "\t" {
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: preconditionFailure("an unsafe character")
                default: continue
                }
            }
        }
    }

    /// Whether what stands before the first `]` is attributes of ours, with whatever between quotes.
    private func hasPlainHead(_ line: String.UnicodeScalarView) -> Bool {
        guard let end = line.firstIndex(of: "]"), line[line.index(after: end)...].first == " " else { return false }
        var plain = String.UnicodeScalarView()
        var isQuoted = false
        for scalar in line[..<end].dropFirst() {
            if scalar == "[" { return false }
            if scalar == "\"" { isQuoted.toggle() } else if !isQuoted { plain.append(scalar) }
        }
        return !isQuoted
            && String(plain).split(separator: " ").dropFirst().allSatisfy { word in
                let name = word.prefix { $0 != "=" }
                return ["auto", "cont", "from="].contains(word)
                    || ["msg", "re", "truncated"].contains(name)
                        && word.dropFirst(name.count + 1).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            }
    }
}
