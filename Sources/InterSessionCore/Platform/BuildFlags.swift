/// How a release is built on this system; `bin/launcher` uses the same, so that nothing is built twice.
package enum BuildFlags {
    package static var platform: [String] {
        #if os(Linux)
            // Without the runtime's libraries a tool starts in half the time. What a debugger needs takes time to build, and
            // is of no use to a user.
            ["--static-swift-stdlib", "-debug-info-format", "none", "-Xlinker", "-s"]
        #else
            []
        #endif
    }
}
