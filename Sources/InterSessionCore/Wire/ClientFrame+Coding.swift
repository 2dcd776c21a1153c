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
            let isJSON = if case .malformed = error { false } else { true }
            throw UndecodableFrame(
                reason: isJSON ? .invalidPayload("\(error)") : .unknownOp("the frame is \(error)"),
                ref: ref
            )
        }
    }

    package func encode() -> ByteBuffer {
        JSONWriter.object { json in
            switch frame {
            case .hello(let hello): hello.write(to: &json)
            case .ping: json.field("op", "ping")
            case .list: json.field("op", "list")
            case .send(let target, let text):
                json.field("op", "send")
                json.field("to", target)
                json.field("text", text)
            case .broadcast(let text):
                json.field("op", "broadcast")
                json.field("text", text)
            case .rename(let name):
                json.field("op", "rename")
                json.field("name", name)
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
            case "list": .list
            case "send": .send(to: try object.requiredString("to"), text: try object.requiredString("text"))
            case "broadcast": .broadcast(text: try object.requiredString("text"))
            case "rename": .rename(name: try object.requiredString("name"))
            case "bye": .bye
            default: throw WireError.unknownOp("the op '\(op.prefix(40))' is not known here")
            }
    }
}

extension ClientFrame.Hello {
    fileprivate init(_ object: JSONObject) throws {
        let agent = ClientFrame.AgentIntroduction(
            sessionID: try object.string("session_id"),
            name: try object.string("name") ?? "",
            label: try object.string("label") ?? "",
            workingDirectory: try object.bounded("cwd", to: WireLimits.workingDirectory) ?? "",
            processID: try object.integer("pid")
        )
        let forSession = try object.string("for_session") ?? ""
        let role: ClientFrame.Role =
            switch try object.requiredString("role") {
            case "agent": .agent(agent)
            case "control": .control(forSession: forSession)
            default: throw WireError.invalidPayload("the field 'role' must be \"agent\" or \"control\"")
            }
        let nonce = try object.bounded("nonce", to: WireLimits.reference)
        guard nonce != "" else {
            throw WireError.invalidPayload("the field 'nonce' is empty; leave it out or choose one")
        }
        self.init(
            token: try object.string("token"),
            role: role,
            nonce: nonce,
            features: try object.strings("features") ?? []
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
            json.field("label", agent.label)
            json.field("cwd", agent.workingDirectory)
            json.field("pid", ifPresent: agent.processID)
        case .control(let session):
            json.field("role", "control")
            json.field("for_session", session)
        }
        json.field("nonce", ifPresent: nonce)
        json.field("features", features)
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
}
