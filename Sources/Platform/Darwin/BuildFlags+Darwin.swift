#if canImport(Darwin)
    extension BuildFlags {
        package static let platform: [String] = []
    }
#endif
