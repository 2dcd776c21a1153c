import Foundation
import TestSupport
import Testing

@Suite("docs/SECURITY.md")
struct SecurityDocumentTests {
    @Test("each row names checks that are run, and says what each asserts")
    func rows() throws {
        let root = BuiltTools.packageRoot
        let document = try String(contentsOf: root.appending(path: "docs/SECURITY.md"), encoding: .utf8)
        var known = try OwnTests.list()
        for script in PeerChecks.scripts {
            for check in try PeerChecks.of(script) { known.insert("\(script)/\(check)") }
        }
        var rows = 0
        for line in document.split(separator: "\n") where line.hasPrefix("| ") && !line.hasPrefix("| ---") {
            let cells = line.split(separator: " | ")
            guard cells.count == 3, !cells[2].contains("what it asserts") else { continue }
            rows += 1
            let claims = cells[2].dropLast(2).split(separator: "; `").map { $0.hasPrefix("`") ? $0.dropFirst() : $0 }
            for claim in claims {
                let parts = claim.split(separator: "`: ", maxSplits: 1)
                try #require(parts.count == 2, "no check, or not what it asserts: \(claim)")
                #expect(parts[1].count > 20, "what does \(parts[0]) assert?")
                if parts[0] == ".ci/fuzz" {
                    #expect(FileManager.default.isExecutableFile(atPath: root.appending(path: ".ci/fuzz").path))
                } else {
                    #expect(known.contains(String(parts[0])), "nobody runs \(parts[0])")
                }
            }
        }
        #expect(rows > 40)
        let tables = document.split(separator: "\n").filter { $0.hasPrefix("| ") && $0.contains(" test |") }
        #expect(tables.isEmpty, "each table names its checks in the third column")
    }

    @Test("the test runner says which tests it runs, this one among them")
    func ownTests() throws {
        let tests = try OwnTests.list()
        #expect(tests.count > 200)
        #expect(tests.contains("ToolTests.SecurityDocumentTests/ownTests()"))
        #expect(!tests.contains("ToolTests.SecurityDocumentTests/otherTests()"))
    }
}

/// The tests of this package, as the program that runs them lists them.
enum OwnTests {
    static func list() throws -> Set<String> {
        let process = Process()
        let output = Pipe()
        let own = CommandLine.arguments
        process.executableURL = URL(filePath: own[0])
        // Where the tests are a bundle (macOS), a helper runs them, which is told which.
        let bundle = own.firstIndex(of: "--test-bundle-path").map { Array(own[$0...].prefix(2)) } ?? []
        process.arguments = bundle + ["--testing-library", "swift-testing", "--list-tests"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the test runner does not list its tests")
        return Set(text.split(separator: "\n").map(String.init))
    }
}
