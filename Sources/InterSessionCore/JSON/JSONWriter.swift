package import NIOCore

/// Writes one JSON object, field by field, straight into a buffer.
package struct JSONWriter {
    package private(set) var buffer: ByteBuffer
    private var needsComma = false

    /// Opens the object.
    ///
    /// - Parameter capacity: about how many bytes it will take.
    package init(capacity: Int = 256) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.writeStaticString("{")
    }

    /// The object as a buffer, when `write` has written its fields.
    package static func object(capacity: Int = 256, _ write: (inout JSONWriter) -> Void) -> ByteBuffer {
        var writer = JSONWriter(capacity: capacity)
        write(&writer)
        return writer.finish()
    }

    package mutating func finish() -> ByteBuffer {
        buffer.writeStaticString("}")
        return buffer
    }

    package mutating func field(_ name: StaticString, _ value: String) {
        writeName(name)
        buffer.writeJSONString(value)
    }

    /// A string that is UTF-8 already.
    package mutating func field(_ name: StaticString, utf8 value: ByteBuffer) {
        writeName(name)
        value.withUnsafeReadableBytes { buffer.writeJSONString($0) }
    }

    /// Leaves the field out when there is no value.
    package mutating func field(_ name: StaticString, ifPresent value: String?) {
        if let value { field(name, value) }
    }

    package mutating func field(_ name: StaticString, _ value: Int) {
        writeName(name)
        buffer.writeString(String(value))
    }

    package mutating func field(_ name: StaticString, ifPresent value: Int?) {
        if let value { field(name, value) }
    }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        writeName(name)
        buffer.writeStaticString(value ? "true" : "false")
    }

    /// Leaves the field out when it is false.
    package mutating func field(_ name: StaticString, ifTrue value: Bool) {
        if value { field(name, value) }
    }

    package mutating func field(_ name: StaticString, _ values: [String]) {
        writeName(name)
        buffer.writeStaticString("[")
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeJSONString(value)
        }
        buffer.writeStaticString("]")
    }

    /// An array of objects, one for each of `values`.
    package mutating func field<Value>(
        _ name: StaticString,
        _ values: [Value],
        _ write: (inout JSONWriter, Value) -> Void
    ) {
        writeName(name)
        buffer.writeStaticString("[")
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            writeObject { write(&$0, value) }
        }
        buffer.writeStaticString("]")
    }

    /// One object inside this one.
    package mutating func object(_ name: StaticString, _ write: (inout JSONWriter) -> Void) {
        writeName(name)
        writeObject(write)
    }

    /// Writes into this writer's own buffer: a second owner of it would make every write copy it.
    private mutating func writeObject(_ write: (inout JSONWriter) -> Void) {
        buffer.writeStaticString("{")
        needsComma = false
        write(&self)
        buffer.writeStaticString("}")
        needsComma = true
    }

    private mutating func writeName(_ name: StaticString) {
        let comma = needsComma
        needsComma = true
        // One look at the buffer's capacity for all of it: a frame has a dozen names.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: name.utf8CodeUnitCount + 4) { space in
            var end = 0
            if comma {
                space[end] = UInt8(ascii: ",")
                end += 1
            }
            space[end] = UInt8(ascii: "\"")
            let letters = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            UnsafeMutableRawBufferPointer(rebasing: space[(end + 1)...]).copyMemory(from: letters)
            end += 1 + letters.count
            space[end] = UInt8(ascii: "\"")
            space[end + 1] = UInt8(ascii: ":")
            return end + 2
        }
    }
}

extension ByteBuffer {
    /// Writes `text` as a JSON string: only what RFC 8259 §7 demands is escaped.
    mutating func writeJSONString(_ text: String) {
        var text = text
        text.withUTF8 { writeJSONString(UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter bytes: UTF-8.
    mutating func writeJSONString(_ bytes: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(bytes)
        scanner.skipPlainText()
        if scanner.next == nil { return writePlainJSONString(bytes) }
        writeStaticString("\"")
        var runStart = 0
        while true {
            scanner.skipPlainText()
            guard let byte = scanner.next else { break }
            let position = scanner.position
            scanner.advance()
            // The scanner also stops at text that is not ASCII, which needs no escape.
            guard byte < 0x80 else { continue }
            writeBytes(UnsafeRawBufferPointer(rebasing: bytes[runStart..<position]))
            writeEscape(byte)
            runStart = position + 1
        }
        writeBytes(UnsafeRawBufferPointer(rebasing: bytes[runStart...]))
        writeStaticString("\"")
    }

    private mutating func writePlainJSONString(_ bytes: UnsafeRawBufferPointer) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 2) { space in
            space[0] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: space[1...]).copyMemory(from: bytes)
            space[bytes.count + 1] = UInt8(ascii: "\"")
            return bytes.count + 2
        }
    }

    private mutating func writeEscape(_ byte: UInt8) {
        switch byte {
        case 0x22: writeStaticString("\\\"")
        case 0x5C: writeStaticString("\\\\")
        case 0x0A: writeStaticString("\\n")
        case 0x0D: writeStaticString("\\r")
        case 0x09: writeStaticString("\\t")
        // The short forms of all that have one: what comes in short must not go out longer than a frame may be.
        case 0x08: writeStaticString("\\b")
        case 0x0C: writeStaticString("\\f")
        default:
            let digits = Array("0123456789abcdef".utf8)
            writeStaticString("\\u00")
            writeInteger(digits[Int(byte >> 4)])
            writeInteger(digits[Int(byte & 0xF)])
        }
    }
}
