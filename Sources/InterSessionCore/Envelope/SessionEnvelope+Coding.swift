package import NIOCore

extension SessionEnvelope {
    /// Bytes of an id that others chose.
    private static let longestID = 128
    /// Bytes of an envelope beside its text.
    private static let usualOverhead = 1024

    /// The id that others chose. One that is empty or too long, or holds a U+0000, which no key may, is as if it were not
    /// there.
    static func usableID(_ id: String) -> String? {
        id.isEmpty || id.utf8.count > longestID || id.utf8.contains(0) ? nil : id
    }

    package func encode() -> ByteBuffer {
        JSONWriter.object(capacity: message.text.utf8.count + Self.usualOverhead) { json in
            json.field("envelope_version", Self.version)
            json.field("version", 1)
            json.object("bucket") { json in
                json.field("unit", bucket.unit)
                json.field("start", bucket.start)
                json.field("end", bucket.end)
            }
            json.object("scope") { json in
                json.field("type", scope.kind)
                json.field("key", scope.key)
                json.field("cwd", scope.workingDirectory)
                json.field("wrapper_session_id", scope.wrapperSessionID)
                json.field("harness_session_id", scope.harnessSessionID)
            }
            json.object("harness") { json in
                json.field("provider", harness.provider)
                json.field("command", harness.command)
                json.field("argv", harness.arguments)
            }
            json.object("message") { json in
                json.field("id", message.id ?? "")
                json.field("line", message.line)
                json.field("role", message.role.rawValue)
                json.field("text", message.text)
                json.field("timestamp", message.timestamp)
                json.field("phase", ifPresent: message.phase)
            }
            json.object("source") { json in
                json.field("path", source.path)
                json.field("record_type", source.recordType)
                json.field("source_role", ifPresent: source.role)
            }
            json.object("tp") { json in
                json.field("v", 1)
                json.field("from_session", ifPresent: routing.fromSession?.rawValue)
                json.field("to_session", ifPresent: routing.toSession?.rawValue)
                json.field("in_reply_to", ifPresent: routing.inReplyTo)
                json.field("auto", ifTrue: routing.isAutomatic)
            }
        }
    }

    /// Reads a JSON object that says it is an envelope of this version.
    ///
    /// Whoever wrote it may know more, or less, than we do: what is not known is passed over, and what has the wrong type
    /// is as if it were not there.
    /// - Returns: nil for anything else.
    package init?(decoding body: ByteBuffer) {
        let parts = ["envelope_version", "bucket", "scope", "harness", "message", "source", "tp"]
        guard let object = try? JSONObject(foreign: body, keeping: parts),
            object.foreignString("envelope_version") == Self.version
        else { return nil }
        self.init()
        if let bucket = object.foreignObject("bucket", keeping: ["unit", "start", "end"]) {
            self.bucket.unit = bucket.foreignString("unit") ?? ""
            self.bucket.start = bucket.foreignString("start") ?? ""
            self.bucket.end = bucket.foreignString("end") ?? ""
        }
        scope = Scope(object)
        if let harness = object.foreignObject("harness", keeping: ["provider", "command", "argv"]) {
            self.harness.provider = harness.foreignString("provider") ?? ""
            self.harness.command = harness.foreignString("command") ?? ""
            self.harness.arguments = (try? harness.strings("argv")) ?? []
        }
        message = Message(object)
        if let source = object.foreignObject("source", keeping: ["path", "record_type", "source_role"]) {
            self.source.path = source.foreignString("path") ?? ""
            self.source.recordType = source.foreignString("record_type") ?? ""
            self.source.role = source.foreignString("source_role")
        }
        routing = Routing(object)
        routing.fromSession = routing.fromSession ?? RoutingLabel(rawValue: scope.wrapperSessionID)
    }
}

extension SessionEnvelope.Scope {
    fileprivate init(_ envelope: JSONObject) {
        let names = ["type", "key", "cwd", "wrapper_session_id", "harness_session_id"]
        guard let object = envelope.foreignObject("scope", keeping: names) else { return }
        kind = object.foreignString("type") ?? ""
        key = object.foreignString("key") ?? ""
        workingDirectory = object.foreignString("cwd") ?? ""
        wrapperSessionID = object.foreignString("wrapper_session_id") ?? ""
        harnessSessionID = object.foreignString("harness_session_id") ?? ""
    }
}

extension SessionEnvelope.Message {
    fileprivate init(_ envelope: JSONObject) {
        let names = ["id", "line", "role", "text", "timestamp", "phase"]
        guard let object = envelope.foreignObject("message", keeping: names) else { return }
        id = object.foreignID("id")
        line = (try? object.integer("line")) ?? 0
        role = object.foreignString("role") == "user" ? .user : .agent
        text = object.foreignString("text") ?? ""
        timestamp = object.foreignString("timestamp") ?? ""
        phase = object.foreignString("phase")
    }
}

extension SessionEnvelope.Routing {
    fileprivate init(_ envelope: JSONObject) {
        let names = ["from_session", "to_session", "in_reply_to", "auto"]
        guard let object = envelope.foreignObject("tp", keeping: names) else { return }
        fromSession = object.foreignString("from_session").flatMap { RoutingLabel(rawValue: $0) }
        toSession = object.foreignString("to_session").flatMap { RoutingLabel(rawValue: $0) }
        inReplyTo = object.foreignID("in_reply_to")
        isAutomatic = (try? object.boolean("auto")) ?? false
    }
}

extension JSONObject {
    fileprivate func foreignID(_ name: String) -> String? {
        foreignString(name).flatMap(SessionEnvelope.usableID)
    }
}
