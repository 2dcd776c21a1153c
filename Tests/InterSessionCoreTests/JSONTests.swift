import NIOCore
import Testing

@testable import InterSessionCore

@Suite("JSON")
struct JSONTests {
    @Test("fields of every kind are read where they stand")
    func fields() throws {
        let object = try JSONObject(
            #" { "s" : "a\"b\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀" , "i":-12, "b":true, "n":null, "a":["x","y"], "o":{"k":"v"}, "e":[] } "#
        )
        #expect(try object.string("s") == "a\"b\\/\u{8}\u{C}\n\r\té😀é😀")
        #expect(try object.integer("i") == -12)
        #expect(try object.boolean("b") == true)
        #expect(!object.has("n") && !object.has("missing"))
        #expect(try object.strings("a") == ["x", "y"])
        #expect(try object.object("o")?.string("k") == "v")
        #expect(try object.objects("e")?.isEmpty == true)
    }

    @Test(
        "what is not JSON is malformed",
        arguments: [
            "", " ", "{", "}", "{}{}", "[", "[1", "[]{}", "\"x", "tru", "1 2", "{} x", "{,}", #"{"a"}"#, #"{"a":}"#,
            #"{"a":1,}"#,
            #"{a:1}"#,
            #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":tru}"#, #"{"a":"x}"#,
            "{\"a\":\"\n\"}", #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, #"{"a":'x'}"#,
            "{\"a\":NaN}",
        ]
    )
    func malformed(text: String) {
        #expect { try JSONObject(text) } throws: { error in
            if case JSONError.malformed = error { true } else { false }
        }
    }

    @Test(
        "JSON that is no object is told from what is no JSON",
        arguments: ["[]", " [{}] ", "1", "-0.5e3", "\"x\"", "null", "true"]
    )
    func noObject(text: String) {
        #expect(throws: JSONError.notAnObject) { try JSONObject(text) }
    }

    @Test("every beginning of a frame is refused and none crashes")
    func truncations() {
        let frame = Array(#"{"op":"send","to":"b\u00e9é😀","x":[{"y":-1.5e3}],"text":"\ud83d\ude00"}"#.utf8)
        for length in 0..<frame.count {
            #expect(throws: JSONError.self) { try JSONObject(ByteBuffer(bytes: frame[..<length])) }
        }
    }

    @Test(
        "bytes that are not UTF-8 are told from bad JSON",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x9F], [0x80],
        ] as [[UInt8]]
    )
    func invalidUTF8(bytes: [UInt8]) {
        let text = Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)
        #expect(throws: JSONError.invalidUTF8) { try JSONObject(ByteBuffer(bytes: text)) }
    }

    @Test("a field that comes twice is refused, also when one of them is escaped")
    func duplicates() {
        #expect(throws: JSONError.duplicateField("a")) { try JSONObject(#"{"a":1,"\u0061":2}"#) }
    }

    @Test(
        "half a surrogate pair is no text",
        arguments: [#"\ud800"#, #"\udc00"#, #"\ud800x"#, #"\ud800\ud800"#, #"\ud800\n"#]
    )
    func surrogates(escape: String) throws {
        let object = try JSONObject(#"{"a":"\#(escape)"}"#)
        #expect(throws: JSONError.loneSurrogate) { try object.string("a") }
    }

    @Test("nesting and the number of fields are bounded")
    func bounds() throws {
        func nested(_ depth: Int) -> String {
            #"{"a":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
        }
        _ = try JSONObject(nested(JSONScanner.deepestNesting - 1))
        #expect(throws: JSONError.tooDeep) { try JSONObject(nested(JSONScanner.deepestNesting)) }
        #expect(throws: JSONError.tooDeep) { try JSONObject(nested(1_000_000)) }
        let many = (0...JSONObject.mostFields).map { "\"\($0)\":1" }.joined(separator: ",")
        #expect(throws: JSONError.tooManyFields) { try JSONObject("{\(many)}") }
    }

    @Test(
        "a number that is no integer of ours is a wrong type",
        arguments: ["1.0", "1e3", "9223372036854775808", "\"1\"", "true"]
    )
    func integers(text: String) throws {
        let object = try JSONObject(#"{"a":\#(text)}"#)
        #expect(throws: JSONError.wrongType(field: "a", expected: "an integer")) { try object.integer("a") }
    }

    @Test(
        "what is written is read back",
        arguments: ["", "plain", "\"\\\u{0}\u{1F}\u{7F}\n\r\t/", "é e\u{301} 😀 \u{2028}"]
    )
    func roundTrip(text: String) throws {
        let buffer = JSONWriter.object { json in
            json.field("text", text)
            json.field("numbers", 42)
            json.field("list", [text, "x"])
            json.field("objects", [1, 2]) { json, number in json.field("n", number) }
            json.object("inner") { $0.field("a", text) }
            json.field("last", text)
        }
        let object = try JSONObject(buffer)
        #expect(try object.string("text")?.utf8.elementsEqual(text.utf8) == true)
        #expect(try object.integer("numbers") == 42)
        #expect(try object.strings("list") == [text, "x"])
        #expect(try object.objects("objects")?.map { try $0.integer("n") } == [1, 2])
        #expect(try object.object("inner")?.string("a") == text)
        #expect(try object.string("last") == text)
    }

    @Test("no text is written longer than it may come in")
    func shortEscapes() {
        let text = "\"\\\u{8}\u{C}\n\r\t/"
        #expect(String(buffer: JSONWriter.object { $0.field("t", text) }) == #"{"t":"\"\\\b\f\n\r\t/"}"#)
    }

    @Test("the place of a value is that of its bytes")
    func ranges() throws {
        let text = #"{"é": [ {"w" : "x"} , {} ]}"#
        let object = try JSONObject(text)
        let ranges = try #require(try object.elementRanges(of: "é"))
        let bytes = Array(text.utf8)
        #expect(ranges.map { String(decoding: bytes[$0], as: UTF8.self) } == [#"{"w" : "x"}"#, "{}"])
        let inner = try JSONObject(#"{"w" : "x"}"#)
        #expect(inner.range(of: "w") == 7..<10)
        #expect(try JSONObject(#"{"w": null}"#).range(of: "w") == 6..<10)
        #expect(try JSONObject(#"{"w": null , "x":[1] }"#).endOfLastValue == 20)
    }
}
