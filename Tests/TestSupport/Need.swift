import Foundation
package import Testing

/// What a test needs of the machine, beyond what builds the project.
///
/// Where it is missing the test is skipped, and its name says why; where `CI` is set, it fails.
package struct Need: Sendable {
    package let what: String
    package let isMet: Bool

    package init(_ what: String, isMet: Bool) {
        self.what = what
        self.isMet = isMet
    }

    package static let root = Need("root", isMet: geteuid() == 0)
    /// To make namespaces, which a container may forbid its root.
    package static let namespaces = Need("root that may unshare", isMet: Places.canUnshare)
    package static let formerTools = Need("the tools of 0.1.0", isMet: BuiltTools.former != nil)
    package static let proc = Need("Linux's /proc", isMet: FileManager.default.fileExists(atPath: "/proc/self/cmdline"))
    package static let chromium = Need("chromium", file: Places.chromium)
    package static let libfaketime = Need("libfaketime", file: Places.libfaketime)
    package static let websockets = Need("python3 with websockets", file: Places.pythonWithWebsockets)
    package static let jsonschema = Need("python3 with jsonschema", file: Places.pythonWithSchemas)

    private init(_ what: String, file: String?) {
        self.init(what, isMet: file != nil)
    }

    /// - Throws: ``Missing`` under CI, which must have everything.
    func decide(isCI: Bool) throws -> Bool {
        guard isMet || !isCI else { throw Missing(what: what) }
        return isMet
    }

    package struct Missing: Error, CustomStringConvertible {
        let what: String
        package var description: String { "CI must have \(what): without it this test shows nothing" }
    }

    /// Where those programs and libraries are; nil where they are not.
    package enum Places {
        package static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
            .first(where: FileManager.default.isExecutableFile)
        package static let libfaketime: String? = {
            let places = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
            return places.map { "/usr/lib/\($0)/faketime/libfaketime.so.1" }
                .first(where: FileManager.default.fileExists)
        }()
        package static let pythonWithWebsockets = python(with: "websockets")
        package static let pythonWithSchemas = python(with: "jsonschema")

        package static let canUnshare: Bool = {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/unshare")
            process.arguments = ["--pid", "--fork", "--mount-proc", "/bin/true"]
            process.standardError = FileHandle.nullDevice
            guard geteuid() == 0, (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()

        /// The first Python that has the package.
        private static func python(with package: String) -> String? {
            ["python3", "/usr/bin/python3"].first { python in
                let probe = Process()
                probe.executableURL = URL(filePath: "/usr/bin/env")
                probe.arguments = [python, "-c", "import \(package)"]
                probe.standardError = FileHandle.nullDevice
                guard (try? probe.run()) != nil else { return false }
                probe.waitUntilExit()
                return probe.terminationStatus == 0
            }
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// The test runs where the machine has this, fails under CI where it has not, and is skipped elsewhere.
    package static func needs(_ need: Need) -> Self {
        let isCI = ProcessInfo.processInfo.environment["CI"] != nil
        return .enabled("needs \(need.what)") { try need.decide(isCI: isCI) }
    }
}
