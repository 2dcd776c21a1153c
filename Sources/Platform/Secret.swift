/// Random text that nobody can guess, and comparing it without telling how much of a guess was right.
package enum Secret {
    /// - Returns: twice as many characters as `bytes`, from the system's own generator.
    package static func hexadecimal(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        var text = ""
        for _ in 0..<bytes {
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
        return text
    }

    /// 6 bits a character, of the alphabet of RFC 4648 §5, unpadded.
    package static func urlSafe(bytes: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SystemRandomNumberGenerator()
        let characters = (bytes * 8 + 5) / 6
        return String(
            decoding: (0..<characters).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] },
            as: UTF8.self
        )
    }

    /// Takes as long for a guess that is nearly right as for one that is all wrong.
    package static func isEqual(_ guess: String, _ secret: String) -> Bool {
        let guess = Array(guess.utf8)
        let secret = Array(secret.utf8)
        var difference = UInt8(guess.count == secret.count ? 0 : 1)
        for (index, byte) in secret.enumerated() {
            difference |= byte ^ (index < guess.count ? guess[index] : ~byte)
        }
        return difference == 0
    }
}
