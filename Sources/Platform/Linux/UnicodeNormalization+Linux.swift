#if os(Linux)
    // The standard library's own normaliser; all of Foundation would add 40 MB of ICU to each tool for this one call.
    @_spi(_Unicode) import Swift

    extension String {
        /// The text in normalisation form C (Unicode Standard Annex 15).
        package var composed: String { String(String.UnicodeScalarView(_nfc)) }
    }
#endif
