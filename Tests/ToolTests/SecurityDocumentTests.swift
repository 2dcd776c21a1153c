import Foundation
import TestSupport
import Testing

@Suite("docs/SECURITY.md")
struct SecurityDocumentTests {
    @Test("each row names a test that exists")
    func rows() throws {
        let root = BuiltTools.packageRoot
        let document = try String(contentsOf: root.appending(path: "docs/SECURITY.md"), encoding: .utf8)
        let tests = try #require(FileManager.default.enumerator(atPath: root.appending(path: "Tests").path))
            .compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".py") }
            .map { try String(contentsOf: root.appending(path: "Tests/\($0)"), encoding: .utf8) }
            .joined()
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| ") && $0.split(separator: "|").count >= 3 }
        let proofs = rows.compactMap {
            $0.split(separator: "|").dropFirst(2).first?.trimmingCharacters(in: .whitespaces)
        }
        .filter { $0 != "test" && !$0.hasPrefix("---") }
        #expect(proofs.count > 35)
        for proof in proofs {
            if proof == "`.ci/fuzz`" { continue }
            let name = proof.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
            #expect(tests.contains("\"\(name)\"") || tests.contains("def \(name)()"), "no test is called \(proof)")
        }
    }
}
