/// The escapes of JSON strings (RFC 8259 §7).
enum JSONEscapes {
    /// Decodes the inside of a string whose escapes ``JSONScanner`` found well-formed.
    ///
    /// - Parameter repairing: takes half a surrogate pair for U+FFFD.
    /// - Throws: ``JSONError/loneSurrogate``.
    static func decode(_ inside: UnsafeRawBufferPointer, repairing: Bool = false) throws(JSONError) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(inside.count)
        var position = 0
        while position < inside.count {
            let run = position
            while position < inside.count, inside[position] != UInt8(ascii: "\\") { position += 1 }
            if position > run {
                output.append(contentsOf: inside[run..<position])
                continue
            }
            guard position + 1 < inside.count else { throw .malformed(offset: position) }
            let kind = inside[position + 1]
            position += 2
            switch kind {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"):
                output.append(contentsOf: String(try scalar(inside, &position, repairing: repairing)).utf8)
            default: output.append(kind)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The scalar of a `\uXXXX`, or of the pair of them that spells one above U+FFFF.
    private static func scalar(
        _ bytes: UnsafeRawBufferPointer,
        _ position: inout Int,
        repairing: Bool
    ) throws(JSONError) -> Unicode.Scalar {
        let first = try codeUnit(bytes, &position)
        if let scalar = Unicode.Scalar(first) { return scalar }
        if UTF16.isLeadSurrogate(first), position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        {
            var end = position + 2
            let second = try codeUnit(bytes, &end)
            if UTF16.isTrailSurrogate(second) {
                position = end
                return UTF16.decode(UTF16.EncodedScalar([first, second]))
            }
        }
        guard repairing else { throw .loneSurrogate }
        return "\u{FFFD}"
    }

    private static func codeUnit(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) throws(JSONError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw .malformed(offset: position) }
        var unit: UInt16 = 0
        for digit in bytes[position..<position + 4] {
            unit = unit << 4 | (JSONScanner.hexadecimalValue(digit) ?? 0)
        }
        position += 4
        return unit
    }
}
