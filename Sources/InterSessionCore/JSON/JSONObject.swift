package import NIOCore

/// A JSON object, proven well-formed, whose fields are decoded when they are asked for.
///
/// It shares the buffer it was read from: a 10 MiB text is copied once, when it becomes a `String`.
package struct JSONObject {
    /// Our largest object has twelve; the bound keeps looking for a field cheap.
    static let mostFields = 64

    struct Field {
        let name: String
        let kind: JSONScanner.Kind
        /// Where the value stands in the text, in bytes, quotes included.
        let range: Range<Int>
    }

    private let text: ByteBuffer
    private(set) var fields: [Field] = []

    /// Reads one object and nothing behind it.
    package init(_ text: ByteBuffer) throws(JSONError) {
        self.text = text
        // What calls the closure throws anything; the result carries our own error across it.
        fields = try text.withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in try Self.scanFields(bytes) }
        }.get()
    }

    package init(_ text: String) throws(JSONError) {
        try self.init(ByteBuffer(string: text))
    }

    /// Reads one object that another program made for others, too: of its fields only `names` are looked at, there may be
    /// any number, and of one that comes twice the last counts.
    package init(foreign text: ByteBuffer, keeping names: [String]) throws(JSONError) {
        self.text = text
        fields = try text.withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in try Self.scanFields(bytes, keeping: names) }
        }.get()
    }

    package func has(_ name: String) -> Bool {
        field(name) != nil
    }

    /// The string of that name; nil when the field is absent or null.
    package func string(_ name: String) throws(JSONError) -> String? {
        guard let field = field(name) else { return nil }
        return try decodeString(field)
    }

    /// The string of that name, or nil. Half a surrogate pair in it becomes U+FFFD.
    func foreignString(_ name: String) -> String? {
        guard let field = field(name) else { return nil }
        return try? decodeString(field, repairing: true)
    }

    /// The object of that name, read as ``init(foreign:keeping:)`` does; nil where there is none.
    func foreignObject(_ name: String, keeping names: [String]) -> JSONObject? {
        guard let field = field(name), field.kind == .object else { return nil }
        return try? JSONObject(foreign: slice(field.range), keeping: names)
    }

    package func requiredString(_ name: String) throws(JSONError) -> String {
        guard let value = try string(name) else { throw .missingField(name) }
        return value
    }

    /// The integer of that name; nil when the field is absent or null. A fraction or an exponent is a wrong type.
    package func integer(_ name: String) throws(JSONError) -> Int? {
        guard let field = field(name) else { return nil }
        guard field.kind == .number, let value = Int(raw(field.range)) else {
            throw .wrongType(field: name, expected: "an integer")
        }
        return value
    }

    /// The integer of that name; nil when the field is absent or null, and 0 for any other value.
    package func integerOrZero(_ name: String) -> Int? {
        guard field(name) != nil else { return nil }
        return (try? integer(name)) ?? 0
    }

    package func boolean(_ name: String) throws(JSONError) -> Bool? {
        guard let field = field(name) else { return nil }
        guard case .boolean(let value) = field.kind else { throw .wrongType(field: name, expected: "true or false") }
        return value
    }

    package func strings(_ name: String) throws(JSONError) -> [String]? {
        guard let elements = try elements(name) else { return nil }
        var strings: [String] = []
        for element in elements { strings.append(try decodeString(element, expected: "an array of strings")) }
        return strings
    }

    package func object(_ name: String) throws(JSONError) -> JSONObject? {
        guard let field = field(name) else { return nil }
        return try decodeObject(field)
    }

    package func objects(_ name: String) throws(JSONError) -> [JSONObject]? {
        guard let elements = try elements(name) else { return nil }
        var objects: [JSONObject] = []
        for element in elements { objects.append(try decodeObject(element)) }
        return objects
    }

    /// Where the value of that name stands in the text, in bytes from its beginning; a null stands there too.
    package func range(of name: String) -> Range<Int>? {
        fields.first { $0.name == name }?.range
    }

    /// Where the last value ends in the text; nil for an empty object.
    package var endOfLastValue: Int? {
        fields.last?.range.upperBound
    }

    /// Where each element of the array of that name stands in the text.
    package func elementRanges(of name: String) throws(JSONError) -> [Range<Int>]? {
        try elements(name)?.map(\.range)
    }

    /// A field that is null counts as absent.
    private func field(_ name: String) -> Field? {
        fields.first { $0.name == name && $0.kind != .null }
    }

    private func raw(_ range: Range<Int>) -> String {
        text.getString(at: text.readerIndex + range.lowerBound, length: range.count) ?? ""
    }

    private func slice(_ range: Range<Int>) -> ByteBuffer {
        text.getSlice(at: text.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    private func decodeString(
        _ field: Field,
        expected: String = "a string",
        repairing: Bool = false
    ) throws(JSONError) -> String {
        guard case .string(let hasEscapes) = field.kind else { throw .wrongType(field: field.name, expected: expected) }
        let inside = field.range.lowerBound + 1..<field.range.upperBound - 1
        guard hasEscapes else { return raw(inside) }
        return try slice(inside).withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in try JSONEscapes.decode(bytes, repairing: repairing) }
        }.get()
    }

    private func decodeObject(_ field: Field) throws(JSONError) -> JSONObject {
        guard field.kind == .object else { throw .wrongType(field: field.name, expected: "an object") }
        return try JSONObject(slice(field.range))
    }

    private func elements(_ name: String) throws(JSONError) -> [Field]? {
        guard let field = field(name) else { return nil }
        guard field.kind == .array else { throw .wrongType(field: name, expected: "an array") }
        return try slice(field.range).withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in
                try Self.scanElements(bytes, named: name, offset: field.range.lowerBound)
            }
        }.get()
    }

    /// - Parameter names: what to keep of an object that others made; nil keeps all, and is strict about it.
    private static func scanFields(
        _ bytes: UnsafeRawBufferPointer,
        keeping names: [String]? = nil
    ) throws(JSONError) -> [Field] {
        var scanner = JSONScanner(
            bytes,
            deepest: names == nil ? JSONScanner.deepestNesting : JSONScanner.deepestForeignNesting
        )
        var fields: [Field] = []
        fields.reserveCapacity(12)
        scanner.skipWhitespace()
        guard scanner.take(UInt8(ascii: "{")) else { throw otherThanObject(&scanner) }
        scanner.skipWhitespace()
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                scanner.skipWhitespace()
                let nameStart = scanner.position
                let hasEscapes = try scanner.skipString()
                let nameBytes = UnsafeRawBufferPointer(rebasing: bytes[nameStart + 1..<scanner.position - 1])
                let name =
                    hasEscapes
                    ? try JSONEscapes.decode(nameBytes, repairing: names != nil)
                    : String(decoding: nameBytes, as: UTF8.self)
                if let names {
                    if names.contains(name) { fields.removeAll { $0.name == name } }
                } else {
                    guard !fields.contains(where: { $0.name == name }) else { throw .duplicateField(name) }
                    guard fields.count < mostFields else { throw .tooManyFields }
                }
                scanner.skipWhitespace()
                try scanner.expect(UInt8(ascii: ":"))
                scanner.skipWhitespace()
                let start = scanner.position
                let kind = try scanner.skipValue(depth: 1)
                if names?.contains(name) ?? true {
                    fields.append(Field(name: name, kind: kind, range: start..<scanner.position))
                }
                scanner.skipWhitespace()
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "}"))
        }
        scanner.skipWhitespace()
        guard scanner.isAtEnd else { throw scanner.malformed }
        return fields
    }

    /// What is wrong with a text that does not begin as an object does.
    private static func otherThanObject(_ scanner: inout JSONScanner) -> JSONError {
        do throws(JSONError) {
            _ = try scanner.skipValue()
            scanner.skipWhitespace()
            return scanner.isAtEnd ? .notAnObject : scanner.malformed
        } catch {
            return error
        }
    }

    /// The elements of an array that `scanFields` has already proven well-formed.
    private static func scanElements(
        _ bytes: UnsafeRawBufferPointer,
        named name: String,
        offset: Int
    ) throws(JSONError) -> [Field] {
        var scanner = JSONScanner(bytes)
        var elements: [Field] = []
        try scanner.expect(UInt8(ascii: "["))
        scanner.skipWhitespace()
        guard !scanner.take(UInt8(ascii: "]")) else { return [] }
        repeat {
            scanner.skipWhitespace()
            let start = scanner.position
            let kind = try scanner.skipValue(depth: 1)
            elements.append(Field(name: name, kind: kind, range: start + offset..<scanner.position + offset))
            scanner.skipWhitespace()
        } while scanner.take(UInt8(ascii: ","))
        return elements
    }
}
