package import NIOCore

/// A message on the wire, in messages.log and in answers about what was said: the same fields everywhere.
extension ServerFrame.Message {
    init(_ object: JSONObject) throws {
        self.init(
            id: try object.requiredString("msg_id"),
            from: try object.requiredString("from"),
            fromName: try object.string("from_name") ?? "",
            fromLabel: try object.string("from_label") ?? "",
            to: try object.string("to"),
            toSessionID: try object.string("to_session_id"),
            text: try object.requiredString("text"),
            timestamp: try object.string("ts") ?? ""
        )
        inReplyTo = try object.string("in_reply_to")
        isAutomatic = try object.boolean("auto") ?? false
    }

    /// What goes before the fields of the frame.
    private static let opening = #"{"op":"msg","#

    func encode() -> ByteBuffer {
        JSONWriter.object(capacity: text.utf8.count + Self.usualOverhead) { json in
            json.field("op", "msg")
            writeFields(to: &json)
        }
    }

    /// The record of messages.log that says the same as a frame, and for how many it was.
    package struct Record {
        /// Those of the frame: they are encoded once, for the log and for the receivers.
        package let fields: ByteBuffer
        private let recipients: Int

        package init(of frame: ByteBuffer, recipients: Int) {
            let start = frame.readerIndex + opening.utf8.count
            fields = frame.getSlice(at: start, length: frame.writerIndex - start - 1) ?? ByteBuffer()
            self.recipients = recipients
        }

        /// What makes the line, in its order.
        package var parts: [ByteBuffer] {
            [ByteBuffer(staticString: "{"), fields, ByteBuffer(string: ",\"recipients\":\(recipients)}\n")]
        }
    }

    /// Bytes of a frame beside the text.
    package static let usualOverhead = 384

    /// The fields of a message, wherever it is written.
    package func writeFields(to json: inout JSONWriter) {
        json.field("msg_id", id)
        json.field("ts", timestamp)
        json.field("from", from)
        json.field("from_name", fromName)
        json.field("from_label", fromLabel)
        json.field("to", ifPresent: to)
        json.field("to_session_id", ifPresent: toSessionID)
        json.field("in_reply_to", ifPresent: inReplyTo)
        json.field("auto", ifTrue: isAutomatic)
        json.field("text", text)
    }
}

extension ServerFrame.ArchivedMessage {
    init(_ object: JSONObject) throws {
        let message = try ServerFrame.Message(object)
        self.init(
            message: message,
            bytes: try object.integer("bytes") ?? message.text.utf8.count,
            deliveries: try (object.objects("deliveries") ?? []).map { delivery in
                Delivery(
                    sessionID: try delivery.string("session_id") ?? "",
                    name: try delivery.string("name") ?? "",
                    state: DeliveryState(rawValue: try delivery.string("state") ?? "") ?? .queued
                )
            }
        )
        key = try object.string("key")
    }

    /// On one line, as the tools print it.
    package var json: String { String(buffer: JSONWriter.object { write(to: &$0) }) }

    func write(to json: inout JSONWriter) {
        message.writeFields(to: &json)
        json.field("bytes", bytes)
        json.field("deliveries", deliveries) { json, delivery in
            json.field("session_id", delivery.sessionID)
            json.field("name", delivery.name)
            json.field("state", delivery.state.rawValue)
        }
        json.field("key", ifPresent: key)
    }
}
