package import NIOCore

extension ServerFrame {
    /// Decodes what the bus said.
    ///
    /// - Returns: nil for an op that this version does not know: a newer server may say more.
    /// - Throws: ``JSONError``.
    package static func decode(_ text: ByteBuffer) throws -> ServerFrame? {
        let object = try JSONObject(text)
        switch try object.requiredString("op") {
        case "welcome": return .welcome(try Welcome(object))
        case "peer_joined":
            return .peerJoined(
                sessionID: try object.requiredString("session_id"),
                name: try object.string("name") ?? ""
            )
        case "peer_left": return .peerLeft(sessionID: try object.requiredString("session_id"))
        case "pong": return .pong(ref: try object.string("ref"))
        case "list_ok":
            let sessions = try object.objects("sessions") ?? []
            return .listing(
                try sessions.map(SessionSummary.init),
                gateways: try (object.objects("gateways") ?? []).map(GatewaySummary.init),
                ref: try object.string("ref")
            )
        case "renamed":
            return .renamed(
                sessionID: try object.string("session_id"),
                name: try object.requiredString("name"),
                ref: try object.string("ref")
            )
        case "msg": return .message(try Message(object))
        case "waiting": return .waiting(count: try object.integer("count") ?? 0)
        case "sent": return .sent(try Sent(object))
        case "notice":
            return .notice(
                Notice(
                    id: try object.requiredString("msg_id"),
                    timestamp: try object.string("ts") ?? "",
                    text: try object.requiredString("text")
                )
            )
        case "messages":
            return .messages(
                try (object.objects("messages") ?? []).map(ArchivedMessage.init),
                total: try object.integer("total"),
                ref: try object.string("ref")
            )
        case "disconnected": return .disconnected(ref: try object.string("ref"))
        case "error": return .error(try Failure(object))
        default: return nil
        }
    }

    package func encode() -> ByteBuffer {
        if case .message(let message) = self { return message.encode() }
        return JSONWriter.object { json in
            switch self {
            case .message: break
            case .welcome(let welcome): welcome.write(to: &json)
            case .peerJoined(let sessionID, let name):
                json.field("op", "peer_joined")
                json.field("session_id", sessionID)
                json.field("name", name)
            case .peerLeft(let sessionID):
                json.field("op", "peer_left")
                json.field("session_id", sessionID)
            case .pong(let ref):
                json.field("op", "pong")
                json.field("ref", ifPresent: ref)
            case .listing(let sessions, let gateways, let ref):
                json.field("op", "list_ok")
                json.field("sessions", sessions) { $1.write(to: &$0) }
                if !gateways.isEmpty { json.field("gateways", gateways) { $1.write(to: &$0) } }
                json.field("ref", ifPresent: ref)
            case .renamed(let sessionID, let name, let ref):
                json.field("op", "renamed")
                json.field("session_id", ifPresent: sessionID)
                json.field("name", name)
                json.field("ref", ifPresent: ref)
            case .waiting(let count):
                json.field("op", "waiting")
                json.field("count", count)
            case .sent(let sent): sent.write(to: &json)
            case .notice(let notice):
                json.field("op", "notice")
                json.field("msg_id", notice.id)
                json.field("ts", notice.timestamp)
                json.field("text", notice.text)
            case .messages(let messages, let total, let ref):
                json.field("op", "messages")
                json.field("messages", messages) { $1.write(to: &$0) }
                json.field("total", ifPresent: total)
                json.field("ref", ifPresent: ref)
            case .disconnected(let ref):
                json.field("op", "disconnected")
                json.field("ref", ifPresent: ref)
            case .error(let failure): failure.write(to: &json)
            }
        }
    }
}

extension ServerFrame.Welcome {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            sessionID: try object.requiredString("session_id"),
            assignedName: try object.string("assigned_name") ?? "",
            forSession: try object.string("for_session"),
            features: try object.strings("features") ?? []
        )
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("op", "welcome")
        json.field("session_id", sessionID)
        json.field("assigned_name", assignedName)
        json.field("for_session", ifPresent: forSession)
        json.field("features", features)
    }
}

extension ServerFrame.SessionSummary {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            sessionID: try object.requiredString("session_id"),
            name: try object.string("name") ?? "",
            label: try object.string("label") ?? "",
            workingDirectory: try object.string("cwd") ?? "",
            since: try object.string("since") ?? ""
        )
        guard let isOnline = try object.boolean("online") else { return }
        details = Details(
            isOnline: isOnline,
            waiting: try object.integer("waiting") ?? 0,
            processID: try object.integer("pid"),
            idleSeconds: try object.integer("idle")
        )
    }

    package func write(to json: inout JSONWriter) {
        json.field("session_id", sessionID)
        json.field("name", name)
        json.field("label", label)
        json.field("cwd", workingDirectory)
        json.field("since", since)
        guard let details else { return }
        json.field("online", details.isOnline)
        json.field("waiting", details.waiting)
        json.field("pid", ifPresent: details.processID)
        json.field("idle", ifPresent: details.idleSeconds)
    }
}

extension ServerFrame.GatewaySummary {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            agent: try object.requiredString("agent"),
            label: try object.string("label") ?? "",
            policy: try object.string("policy"),
            processID: try object.integer("pid"),
            since: try object.string("since") ?? "",
            isOnline: try object.boolean("online") ?? false,
            agents: try object.strings("agents") ?? []
        )
    }

    package func write(to json: inout JSONWriter) {
        json.field("agent", agent)
        json.field("label", label)
        json.field("policy", ifPresent: policy)
        json.field("pid", ifPresent: processID)
        json.field("since", since)
        json.field("online", isOnline)
        json.field("agents", agents)
    }
}

extension ServerFrame.Sent {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            messageID: try object.requiredString("msg_id"),
            to: try object.string("to"),
            state: DeliveryState(rawValue: try object.string("state") ?? "") ?? .queued,
            recipients: try object.integer("recipients") ?? 0,
            offlineSince: try object.string("offline_since"),
            ref: try object.string("ref")
        )
    }

    /// What `sent` and `send --json` say alike.
    package func writeFields(to json: inout JSONWriter) {
        json.field("msg_id", messageID)
        json.field("to", ifPresent: to)
        json.field("state", state.rawValue)
        json.field("recipients", recipients)
        json.field("offline_since", ifPresent: offlineSince)
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("op", "sent")
        writeFields(to: &json)
        json.field("ref", ifPresent: ref)
    }
}

extension ServerFrame.Failure {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            code: WireError.Code(rawValue: try object.requiredString("code")),
            message: try object.string("message") ?? "",
            ref: try object.string("ref")
        )
        candidates = try object.strings("candidates") ?? []
        matches = try object.strings("matches") ?? []
        nearest = try object.strings("nearest") ?? []
        retryAfter = try object.integer("retry_after")
        limit = try object.integer("limit")
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("op", "error")
        json.field("code", code.rawValue)
        json.field("message", message)
        json.field("ref", ifPresent: ref)
        if !candidates.isEmpty { json.field("candidates", candidates) }
        if !matches.isEmpty { json.field("matches", matches) }
        if !nearest.isEmpty { json.field("nearest", nearest) }
        json.field("retry_after", ifPresent: retryAfter)
        json.field("limit", ifPresent: limit)
    }
}
