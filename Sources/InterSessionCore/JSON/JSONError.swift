/// Why a JSON text could not be read.
package enum JSONError: Error, Equatable {
    /// Not JSON (RFC 8259).
    case malformed(offset: Int)
    /// JSON, but an array, a string or another value in place of an object.
    case notAnObject
    /// The bytes are not UTF-8.
    case invalidUTF8
    /// Deeper than ``JSONScanner/deepestNesting``.
    case tooDeep
    case tooManyFields
    case duplicateField(String)
    case missingField(String)
    case wrongType(field: String, expected: String)
    /// `\ud800` without its other half: no Unicode text can hold it.
    case loneSurrogate
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let offset): "not JSON (at byte \(offset))"
        case .notAnObject: "not a JSON object"
        case .invalidUTF8: "not UTF-8"
        case .tooDeep: "nested deeper than \(JSONScanner.deepestNesting) levels"
        case .tooManyFields: "more than \(JSONObject.mostFields) fields in one object"
        case .duplicateField(let name): "the field '\(name)' appears twice"
        case .missingField(let name): "the field '\(name)' is missing"
        case .wrongType(let field, let expected): "the field '\(field)' must be \(expected)"
        case .loneSurrogate: "a string holds half of a surrogate pair"
        }
    }
}
