#if canImport(Darwin)
    import Foundation

    extension String {
        /// The text in normalisation form C (Unicode Standard Annex 15).
        package var composed: String { precomposedStringWithCanonicalMapping }
    }
#endif
