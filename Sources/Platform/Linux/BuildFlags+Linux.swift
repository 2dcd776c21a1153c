#if os(Linux)
    extension BuildFlags {
        // Without the runtime's libraries a tool starts in half the time; symbols are of no use to a user.
        package static let platform = ["--static-swift-stdlib", "-Xlinker", "-s"]
    }
#endif
