/// What stands between `[inter-session` and the first `] ` of a notification. Whatever follows is a peer's text.
///
/// It takes ``HeadAttribute``s and no strings. None of them holds a bracket, so none can end the head.
struct NotificationHead {
    static let prefix = "[inter-session"

    private var attributes: [HeadAttribute]

    /// - Parameter attributes: those that are nil are left out.
    init(_ attributes: HeadAttribute?...) {
        self.attributes = attributes.compactMap { $0 }
    }

    mutating func append(_ attribute: HeadAttribute?) {
        if let attribute { attributes.append(attribute) }
    }

    /// The head, with the `] ` that ends it.
    var text: String { Self.prefix + attributes.map { " \($0.text)" }.joined() + "] " }
}

/// One attribute of the head of a notification. There is no way to make one of a string as it is.
struct HeadAttribute: Equatable, Sendable {
    /// As much of a name or a label as a head shows, in UTF-16 units. The longest address has 97, the longest label 120.
    private static let longestQuoted = 128

    let text: String

    /// A word of ours, such as `auto`.
    static func word(_ word: StaticString) -> HeadAttribute { HeadAttribute(text: "\(word)") }

    static func number(_ name: StaticString, _ number: Int) -> HeadAttribute {
        HeadAttribute(text: "\(name)=\(number)")
    }

    /// An id: ASCII letters and digits, 12 at most. The server vouches for ids, but a line must hold even if it does not.
    ///
    /// - Returns: nil where nothing of it is left.
    static func id(_ name: StaticString, _ id: String) -> HeadAttribute? {
        let safe = id.unicodeScalars.filter { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
        }
        .prefix(12)
        return safe.isEmpty ? nil : HeadAttribute(text: "\(name)=\(String(String.UnicodeScalarView(safe)))")
    }

    /// What a peer calls itself, between quotes.
    static func quoted(_ name: StaticString, _ text: String) -> HeadAttribute {
        HeadAttribute(text: "\(name)=\"\(bounded(text))\"")
    }

    /// - Returns: nil where there is nothing to show.
    static func quoted(_ text: String) -> HeadAttribute? {
        let text = bounded(text)
        return text.isEmpty ? nil : HeadAttribute(text: "\"\(text)\"")
    }

    private static func bounded(_ text: String) -> String {
        SafeText.quotable(text.unicodeScalars.prefix(longestQuoted * 4)).prefix(utf16Units: longestQuoted)
    }

    private init(text: String) {
        self.text = text
    }
}
