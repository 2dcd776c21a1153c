#if canImport(Darwin)
    extension ProcessMeter {
        package var memory: Int? { nil }
        package var sleeps: Int? { nil }
        package var descriptors: Int? { nil }
    }
#endif
