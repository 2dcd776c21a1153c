package import Foundation

/// The executables that were built with these tests.
package enum BuiltTools {
    /// All that is installed and has a launcher.
    package static let names = [
        "server", "client", "gateway", "send", "list", "whoami", "doctor", "inbox", "show", "log", "disconnect",
        "rename",
        "auto-start", "install-deps", "session-start",
    ]

    package static func path(_ tool: String) -> String {
        directory.appending(path: tool).path
    }

    /// The tools of version 0.1.0: a directory that `INTER_SESSION_TEST_FORMER_TOOLS` names, which `.ci/run` fills.
    package static let former = ProcessInfo.processInfo.environment["INTER_SESSION_TEST_FORMER_TOOLS"]

    /// Where the tools are that are tested: those built with the tests, unless `INTER_SESSION_TEST_TOOLS` names others,
    /// such as a release in which a test is to be seen failing.
    package static let directory: URL = {
        if let other = ProcessInfo.processInfo.environment["INTER_SESSION_TEST_TOOLS"] { return URL(filePath: other) }
        #if os(macOS)
            let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
            let built = (bundle ?? .main).bundleURL.deletingLastPathComponent()
        #else
            // The test runner is built beside the tools.
            let built = Bundle.main.bundleURL
        #endif
        nameTools(in: built)
        return built
    }()

    /// SwiftPM builds each program under one name; the others are given here, as install-deps does.
    private static func nameTools(in directory: URL) {
        for name in names where !["server", "client", "install-deps"].contains(name) {
            let program = name == "gateway" ? "client" : "install-deps"
            let link = directory.appending(path: name)
            // What a test of it says is clearer than what could be said here.
            try? FileManager.default.removeItem(at: link)
            try? FileManager.default.linkItem(at: directory.appending(path: program), to: link)
        }
    }

    /// The root of the package, where bin/ and the plugin's files are.
    package static var packageRoot: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
