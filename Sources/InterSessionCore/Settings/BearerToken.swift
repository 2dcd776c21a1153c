package import Platform

/// What a client on TCP must know: 32 random bytes that only this user can read.
package struct BearerToken: Sendable {
    private let text: String

    /// The token of the data directory, made when there is none.
    ///
    /// - Throws: ``PlatformError`` when the file is a link, not a regular file, or another user's.
    package init(of directory: DataDirectory) throws(PlatformError) {
        do {
            try File.create(directory.token, with: Secret.urlSafe(bytes: 32).utf8)
        } catch  where error.isExistingFile {
            // Somebody made it first; theirs is the token.
        }
        let content = String(decoding: try File.read(directory.token, limit: 4096), as: UTF8.self)
        text = String(content.prefix { !$0.isWhitespace })
        guard text.utf8.count >= 32 else {
            throw PlatformError("use '\(directory.token)', which holds no token; remove it", code: 22)
        }
    }

    init(_ text: String) {
        self.text = text
    }

    /// Writes the file again, where it was removed.
    package func restore(in directory: DataDirectory) throws(PlatformError) {
        do {
            try File.create(directory.token, with: text.utf8)
        } catch  where error.isExistingFile {
            // Another is the token now.
        }
    }

    /// Compares in constant time.
    package func matches(_ guess: String) -> Bool {
        Secret.isEqual(guess, text)
    }
}
