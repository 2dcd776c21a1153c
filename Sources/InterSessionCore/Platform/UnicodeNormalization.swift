#if canImport(Darwin)
    import Foundation
#else
    // The standard library's own normaliser; all of Foundation would add 40 MB of ICU to each tool for this one call.
    @_spi(_Unicode) import Swift
#endif

extension String {
    /// The text in normalisation form C (Unicode Standard Annex 15).
    var composed: String {
        #if canImport(Darwin)
            precomposedStringWithCanonicalMapping
        #else
            String(String.UnicodeScalarView(_nfc))
        #endif
    }
}
