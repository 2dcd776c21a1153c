/// Walks JSON text (RFC 8259) without decoding it: finds where values end and proves them well-formed.
///
/// The bus reads every frame with it, so it looks at each byte once and allocates nothing.
struct JSONScanner {
    /// Frames nest two levels at most; the bound keeps a hostile one from eating the stack.
    static let deepestNesting = 32
    /// What others make nests as they like; this much a small stack bears.
    static let deepestForeignNesting = 128

    enum Kind: Equatable {
        case string(hasEscapes: Bool)
        case number, object, array, boolean(Bool), null
    }

    private let bytes: UnsafeRawBufferPointer
    private let deepest: Int
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer, deepest: Int = deepestNesting) {
        self.bytes = bytes
        self.deepest = deepest
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The next byte, or nil at the end. All access to `bytes` is bounds-checked here or in `skipPlainText`.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    var malformed: JSONError { .malformed(offset: position) }

    mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Takes `byte` when it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard take(byte) else { throw malformed }
    }

    /// Moves on by one byte, wherever that leads.
    mutating func advance() {
        position += 1
    }

    /// Moves behind the value that starts here and says what it was.
    mutating func skipValue(depth: Int = 0) throws(JSONError) -> Kind {
        guard depth < deepest else { throw .tooDeep }
        switch next {
        case UInt8(ascii: "\""):
            return .string(hasEscapes: try skipString())
        case UInt8(ascii: "{"):
            try skipMembers(until: UInt8(ascii: "}"), keyed: true, depth: depth)
            return .object
        case UInt8(ascii: "["):
            try skipMembers(until: UInt8(ascii: "]"), keyed: false, depth: depth)
            return .array
        case UInt8(ascii: "t"):
            try skipWord("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try skipWord("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try skipWord("null")
            return .null
        default:
            try skipNumber()
            return .number
        }
    }

    /// Moves behind the string that starts here; true when it holds escapes.
    mutating func skipString() throws(JSONError) -> Bool {
        try expect(UInt8(ascii: "\""))
        var hasEscapes = false
        while true {
            skipPlainText()
            guard let byte = next else { throw malformed }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case 0x80...:
                try skipMultibyteCharacter(first: byte)
            default:
                throw malformed  // A raw control character.
            }
        }
    }

    private mutating func skipMembers(until end: UInt8, keyed: Bool, depth: Int) throws(JSONError) {
        position += 1
        skipWhitespace()
        if take(end) { return }
        while true {
            if keyed {
                skipWhitespace()
                _ = try skipString()
                skipWhitespace()
                try expect(UInt8(ascii: ":"))
            }
            skipWhitespace()
            _ = try skipValue(depth: depth + 1)
            skipWhitespace()
            if take(end) { return }
            try expect(UInt8(ascii: ","))
        }
    }

    /// Skips what needs no second look: ASCII that is neither a quote, a backslash nor a control character.
    mutating func skipPlainText() {
        // Eight bytes at a time; the tests below set the top bit of every byte that stops the run.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        while position + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let stops =
                word | ((word &- (ones &* 0x20)) & ~word) | ((quotes &- ones) & ~quotes)
                | ((backslashes &- ones) & ~backslashes)
            guard stops & tops == 0 else { break }
            position += 8
        }
        while let byte = next, byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            position += 1
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        position += 1
        guard let kind = next else { throw malformed }
        position += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard let digit = next, Self.hexadecimalValue(digit) != nil else { throw malformed }
                position += 1
            }
        default:
            throw malformed
        }
    }

    /// Well-formed UTF-8 sequences, Unicode 15 table 3-7.
    private mutating func skipMultibyteCharacter(first: UInt8) throws(JSONError) {
        let (trailing, second): (Int, ClosedRange<UInt8>) =
            switch first {
            case 0xC2...0xDF: (1, 0x80...0xBF)
            case 0xE0: (2, 0xA0...0xBF)
            case 0xE1...0xEC, 0xEE...0xEF: (2, 0x80...0xBF)
            case 0xED: (2, 0x80...0x9F)
            case 0xF0: (3, 0x90...0xBF)
            case 0xF1...0xF3: (3, 0x80...0xBF)
            case 0xF4: (3, 0x80...0x8F)
            default: throw .invalidUTF8
            }
        guard position + trailing < bytes.count, second.contains(bytes[position + 1]) else { throw .invalidUTF8 }
        for offset in 1...trailing where bytes[position + offset] & 0xC0 != 0x80 { throw .invalidUTF8 }
        position += trailing + 1
    }

    private mutating func skipWord(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[index]) }
    }

    private mutating func skipNumber() throws(JSONError) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw malformed }
    }

    static func hexadecimalValue(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
