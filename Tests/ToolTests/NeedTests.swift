import Foundation
import Testing

@testable import TestSupport

@Suite("what tests need")
struct NeedTests {
    @Test("what is missing skips a test, and fails it under CI")
    func missing() throws {
        let missing = Need("a unicorn", isMet: false)
        #expect(try !missing.decide(isCI: false))
        #expect { try missing.decide(isCI: true) } throws: { "\($0)".contains("CI must have a unicorn") }
        for isCI in [true, false] { #expect(try Need("air", isMet: true).decide(isCI: isCI)) }
    }

    @Test("each test that needs something says so in its name, and no test is switched off in another way")
    func names() throws {
        let tests = BuiltTools.packageRoot.appending(path: "Tests")
        let files = try #require(FileManager.default.enumerator(atPath: tests.path)).compactMap { $0 as? String }
        var found = 0
        for file in files where file.hasSuffix(".swift") && file != "TestSupport/Need.swift" {
            let text = try String(contentsOf: tests.appending(path: file), encoding: .utf8)
            guard !file.hasSuffix("NeedTests.swift") else { continue }
            #expect(
                !text.contains(".enabled(") && !text.contains(".disabled("),
                "\(file) switches a test off by itself"
            )
            for match in text.matches(of: /@Test\(\s*"([^"]*)",\s*\.needs\(\.(\w+)\)/) {
                found += 1
                #expect(match.1.contains("(needs "), "\(file): \(match.1)")
            }
            #expect(text.matches(of: /\.needs\(/).count == text.matches(of: /@Test\(\s*"[^"]*",\s*\.needs\(/).count)
        }
        #expect(found >= 7)
    }
}
