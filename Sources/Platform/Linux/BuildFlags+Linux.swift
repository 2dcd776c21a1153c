#if os(Linux)
    extension BuildFlags {
        // Without the runtime's libraries a tool starts in half the time. What a debugger needs takes time to build, and is
        // of no use to a user.
        package static let platform = ["--static-swift-stdlib", "-debug-info-format", "none", "-Xlinker", "-s"]
    }
#endif
