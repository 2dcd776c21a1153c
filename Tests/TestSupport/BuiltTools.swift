package import Foundation

/// The executables that were built with these tests.
package enum BuiltTools {
    package static func path(_ tool: String) -> String {
        directory.appending(path: tool).path
    }

    package static var directory: URL {
        #if os(macOS)
            let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
            return (bundle ?? .main).bundleURL.deletingLastPathComponent()
        #else
            // The test runner is built beside the tools.
            return Bundle.main.bundleURL
        #endif
    }

    /// The root of the package, where bin/ and the plugin's files are.
    package static var packageRoot: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
