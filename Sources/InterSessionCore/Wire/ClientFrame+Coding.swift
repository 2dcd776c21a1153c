package import NIOCore

/// A frame that could not be decoded, with the reference of the request where that much could be read.
package struct UndecodableFrame: Error {
    package let reason: WireError
    package let ref: String?
}

extension ClientRequest {
    /// Decodes what came over the wire.
    ///
    /// - Throws: ``UndecodableFrame``, or ``JSONError/invalidUTF8``, which ends the connection (RFC 6455 §8.1).
    package init(decoding text: ByteBuffer) throws {
        var ref: String?
        do {
            let object = try JSONObject(text)
            ref = try object.bounded("ref", to: WireLimits.reference)
            self.init(try ClientFrame(object), ref: ref)
        } catch let error as WireError {
            throw UndecodableFrame(reason: error, ref: ref)
        } catch let error as JSONError {
            // Wherever they stand, bytes that are not UTF-8 end the connection.
            guard String(validating: text.readableBytesView, as: UTF8.self) != nil else { throw JSONError.invalidUTF8 }
            let reason: WireError =
                switch error {
                case .malformed: .unknownOp("the frame is \(error)")
                case .notAnObject: .invalidPayload("the frame is \(error)")
                default: .invalidPayload("\(error)")
                }
            throw UndecodableFrame(reason: reason, ref: ref)
        }
    }

    package func encode() -> ByteBuffer {
        JSONWriter.object { json in
            switch frame {
            case .hello(let hello): hello.write(to: &json)
            case .ping: json.field("op", "ping")
            case .list(let all):
                json.field("op", "list")
                json.field("all", ifTrue: all)
            case .send(let target, let message):
                json.field("op", "send")
                json.field("to", target)
                message.write(to: &json)
            case .broadcast(let message):
                json.field("op", "broadcast")
                message.write(to: &json)
            case .ack(let ids):
                json.field("op", "ack")
                json.field("msg_ids", ids)
            case .rename(let name):
                json.field("op", "rename")
                json.field("name", name)
            case .disconnect: json.field("op", "disconnect")
            case .show(let id):
                json.field("op", "show")
                json.field("msg_id", id)
            case .log(let query): query.write(to: &json)
            case .deliver(let mail):
                json.field("op", "deliver")
                json.field("from", mail.from)
                json.field("to", mail.to)
                mail.message.write(to: &json)
            case .agents(let names):
                json.field("op", "agents")
                json.field("names", names)
            case .giveBack(let id, let reason):
                json.field("op", "return")
                json.field("msg_id", id)
                json.field("reason", reason)
            case .bye: json.field("op", "bye")
            }
            json.field("ref", ifPresent: ref)
        }
    }
}

extension ClientFrame {
    fileprivate init(_ object: JSONObject) throws {
        let op = try object.requiredString("op")
        self =
            switch op {
            case "hello": .hello(try Hello(object))
            case "ping": .ping
            case "list": .list(all: try object.boolean("all") ?? false)
            case "send": .send(to: try object.requiredString("to"), try Outgoing(object))
            case "broadcast": .broadcast(try Outgoing(object))
            case "ack": .ack(try object.messageIDs())
            case "rename": .rename(name: try object.requiredString("name"))
            case "disconnect": .disconnect
            case "show": .show(messageID: try object.requiredString("msg_id"))
            case "log": .log(try LogQuery(object))
            case "deliver": .deliver(try Inbound(object))
            case "agents": .agents(try object.strings("names") ?? [])
            case "return":
                .giveBack(
                    messageID: try object.requiredString("msg_id"),
                    reason: try object.bounded("reason", to: WireLimits.reason) ?? ""
                )
            case "bye": .bye
            default: throw WireError.unknownOp("the op '\(op.prefix(40))' is not known here")
            }
    }
}

extension ClientFrame.Outgoing {
    fileprivate init(_ object: JSONObject) throws {
        text = try object.requiredString("text")
        inReplyTo = try object.identifier("in_reply_to", to: WireLimits.reference)
        isAutomatic = try object.boolean("auto") ?? false
        receiptWithin = try object.integer("receipt_within")
        awaitsAnswer = try object.boolean("await") ?? false
        key = try object.identifier("key", to: WireLimits.key)
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("text", text)
        json.field("in_reply_to", ifPresent: inReplyTo)
        json.field("auto", ifTrue: isAutomatic)
        json.field("receipt_within", ifPresent: receiptWithin)
        json.field("await", ifTrue: awaitsAnswer)
        json.field("key", ifPresent: key)
    }
}

extension ClientFrame.Inbound {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            from: try object.bounded("from", to: WireLimits.reference) ?? "",
            to: try object.strings("to") ?? [],
            try ClientFrame.Outgoing(object)
        )
    }
}

extension ClientFrame.GatewayIntroduction {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            agent: try object.requiredString("agent"),
            label: try object.string("label") ?? "",
            policy: try object.bounded("policy", to: WireLimits.reference) ?? "",
            processID: object.integerOrZero("pid")
        )
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("agent", agent)
        json.field("label", label)
        json.field("policy", policy)
        json.field("pid", ifPresent: processID)
    }
}

extension ClientFrame.LogQuery {
    fileprivate init(_ object: JSONObject) throws {
        self.init(
            with: try object.identifier("with", to: WireLimits.reference),
            since: try object.bounded("since", to: WireLimits.reference),
            grep: try object.identifier("grep", to: WireLimits.searchWords),
            unseenBy: try object.identifier("unseen_by", to: WireLimits.reference),
            limit: try object.integer("limit") ?? WireLimits.logEntries
        )
        guard (1...WireLimits.mostLogEntries).contains(limit) else {
            throw WireError.invalidPayload("the field 'limit' must be from 1 to \(WireLimits.mostLogEntries)")
        }
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("op", "log")
        json.field("with", ifPresent: with)
        json.field("since", ifPresent: since)
        json.field("grep", ifPresent: grep)
        json.field("unseen_by", ifPresent: unseenBy)
        json.field("limit", limit)
    }
}

extension ClientFrame.Hello {
    fileprivate init(_ object: JSONObject) throws {
        let agent = ClientFrame.SessionIntroduction(
            sessionID: try object.string("session_id"),
            name: try object.string("name") ?? "",
            suggestedName: try object.string("suggested_name"),
            label: try object.string("label") ?? "",
            workingDirectory: try object.bounded("cwd", to: WireLimits.workingDirectory) ?? "",
            processID: object.integerOrZero("pid"),
            printed: try object.strings("printed") ?? []
        )
        let forSession = try object.string("for_session") ?? ""
        let role: ClientFrame.Role =
            switch try object.requiredString("role") {
            case "agent": .agent(agent)
            case "control": .control(forSession: forSession)
            case "observer": .observer
            case "gateway": .gateway(try ClientFrame.GatewayIntroduction(object))
            default:
                throw WireError.invalidPayload(
                    "the field 'role' must be \"agent\", \"control\", \"observer\" or \"gateway\""
                )
            }
        let nonce = try object.bounded("nonce", to: WireLimits.reference)
        guard nonce != "" else {
            throw WireError.invalidPayload("the field 'nonce' is empty; leave it out or choose one")
        }
        self.init(
            token: try object.string("token"),
            role: role,
            nonce: nonce,
            features: Features(names: try object.strings("features") ?? [])
        )
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.field("op", "hello")
        json.field("token", ifPresent: token)
        switch role {
        case .agent(let agent):
            json.field("role", "agent")
            json.field("session_id", ifPresent: agent.sessionID)
            json.field("name", agent.name)
            json.field("suggested_name", ifPresent: agent.suggestedName)
            json.field("label", agent.label)
            json.field("cwd", agent.workingDirectory)
            json.field("pid", ifPresent: agent.processID)
            if !agent.printed.isEmpty { json.field("printed", agent.printed) }
        case .control(let session):
            json.field("role", "control")
            json.field("for_session", session)
        case .observer:
            json.field("role", "observer")
        case .gateway(let gateway):
            json.field("role", "gateway")
            gateway.write(to: &json)
        }
        json.field("nonce", ifPresent: nonce)
        json.field("features", features.names)
    }
}

extension JSONObject {
    /// A string that we keep for as long as the connection lives, and so bound.
    fileprivate func bounded(_ name: String, to limit: Int) throws -> String? {
        guard let value = try string(name) else { return nil }
        guard value.utf8.count <= limit else {
            throw WireError.invalidPayload("the field '\(name)' is longer than \(limit) bytes")
        }
        return value
    }

    /// A string that something is looked for by. A U+0000 is in none: for other programs a string ends there, and two
    /// that differ behind it are one.
    fileprivate func identifier(_ name: String, to limit: Int) throws -> String? {
        guard let value = try bounded(name, to: limit) else { return nil }
        guard !value.utf8.contains(0) else {
            throw WireError.invalidPayload("the field '\(name)' holds a U+0000")
        }
        return value
    }

    /// One id or several.
    fileprivate func messageIDs() throws -> [String] {
        let one = try string("msg_id").map { [$0] } ?? []
        return one + (try strings("msg_ids") ?? [])
    }
}
