import Foundation
import Testing

/// The arrows of docs/ARCHITECTURE.md are those of the code: which folder names types of which other one, and which
/// target imports which.
@Suite("architecture")
struct ArchitectureTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let document = (try? ArrowDocument(repository.appending(path: "docs/ARCHITECTURE.md"))) ?? .init()

    @Test("the document lists the arrows of the server's folders")
    func isThere() {
        #expect(Self.document.roots["Sources/BusServer"]?.isEmpty == false)
    }

    @Test("no arrow of the document is part of a cycle", arguments: document.roots.keys.sorted())
    func cycles(root: String) {
        #expect(Arrow.cycle(in: Self.document.roots[root] ?? []) == nil)
    }

    @Test("the code has the arrows of the document, and no other", arguments: document.roots.keys.sorted())
    func arrows(root: String) throws {
        let listed = Self.document.roots[root] ?? []
        let found = try SourceFolder(Self.repository.appending(path: root)).arrows
        for (arrow, example) in found.sorted(by: { $0.key < $1.key }) where !listed.contains(arrow) {
            Issue.record("\(root): '\(arrow)' is not in docs/ARCHITECTURE.md: \(example)")
        }
        for arrow in listed.subtracting(found.keys).sorted() {
            Issue.record("\(root): nothing in the code is the arrow '\(arrow)' of docs/ARCHITECTURE.md")
        }
    }

    @Test("a reference is found in code and in what a string evaluates, and not in comments and texts")
    func references() {
        let code = SwiftText(
            #"""
            // Router
            let text = "Journal \(Delivery.name(of: "Registry")) //" /* Bus
            Peer */ + """
            Lookup "\(Storage.self)"
            """
            protocol Outer: Sendable { struct Inner {} }
            private struct Hidden {}
            package final class Shown<Element> {}
            """#
        )
        #expect(code.names.isDisjoint(with: ["Router", "Journal", "Bus", "Peer", "Lookup"]))
        #expect(code.names.isSuperset(of: ["Delivery", "Storage", "Outer", "Element"]))
        #expect(code.declaredTypes == ["Outer", "Shown"])
    }

    @Test("a cycle is found, also a long one")
    func findsCycles() {
        let path: Set<Arrow> = [Arrow("A", "B"), Arrow("B", "C"), Arrow("A", "C")]
        #expect(Arrow.cycle(in: path) == nil)
        #expect(Arrow.cycle(in: path.union([Arrow("C", "A")])) == ["A", "B", "C", "A"])
    }
}

/// One folder or target needs another.
private struct Arrow: Hashable, Comparable, CustomStringConvertible {
    let from: String
    let to: String

    init(_ from: String, _ to: String) {
        self.from = from
        self.to = to
    }

    var description: String { "\(from) -> \(to)" }

    static func < (first: Arrow, second: Arrow) -> Bool { (first.from, first.to) < (second.from, second.to) }

    /// Names along a cycle, the first one again at its end; nil when there is none.
    static func cycle(in arrows: Set<Arrow>) -> [String]? {
        let targets = Dictionary(grouping: arrows.sorted(), by: \.from).mapValues { $0.map(\.to) }
        var finished: Set<String> = []
        func search(_ name: String, _ path: [String]) -> [String]? {
            if let start = path.firstIndex(of: name) { return path[start...] + [name] }
            guard !finished.contains(name) else { return nil }
            for next in targets[name] ?? [] {
                if let cycle = search(next, path + [name]) { return cycle }
            }
            finished.insert(name)
            return nil
        }
        for name in targets.keys.sorted() { if let cycle = search(name, []) { return cycle } }
        return nil
    }
}

/// The fenced blocks of a document that begin with three backquotes and `arrows`: a line `folder:` says of which root the
/// arrows are, the lines `from -> to, to` behind it name them.
private struct ArrowDocument {
    var roots: [String: Set<Arrow>] = [:]

    init() {}

    init(_ file: URL) throws {
        var isInBlock = false
        var root = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init) {
            if line.hasPrefix("```") {
                isInBlock = line == "```arrows"
            } else if isInBlock, line.hasSuffix(":") {
                root = String(line.dropLast())
                roots[root] = []
            } else if isInBlock {
                let sides = line.components(separatedBy: " -> ")
                try #require(sides.count == 2, "'\(line)' is no arrow")
                for target in sides[1].components(separatedBy: ", ") {
                    roots[root]?.insert(Arrow(sides[0], target.trimmingCharacters(in: .whitespaces)))
                }
            }
        }
    }
}

/// A folder whose folders need each other: those of one target, or the targets themselves.
private struct SourceFolder {
    /// Each with an example of where it is from.
    private(set) var arrows: [Arrow: String] = [:]

    init(_ root: URL) throws {
        let manager = FileManager.default
        var folders: [String: [(path: String, text: SwiftText)]] = [:]
        for folder in try manager.contentsOfDirectory(atPath: root.path(percentEncoded: false)).sorted() {
            let place = root.appending(path: folder)
            folders[folder] = []
            for path in manager.enumerator(atPath: place.path(percentEncoded: false))?.allObjects ?? [] {
                guard let path = path as? String, path.hasSuffix(".swift") else { continue }
                let text = try String(contentsOf: place.appending(path: path), encoding: .utf8)
                folders[folder, default: []].append(("\(folder)/\(path)", SwiftText(text)))
            }
        }
        // Targets see of each other what they import; folders of one target see everything.
        let areTargets = root.lastPathComponent == "Sources"
        for (folder, files) in folders {
            for (other, others) in folders where other != folder {
                let offered = areTargets ? [other] : others.reduce(into: Set()) { $0.formUnion($1.text.declaredTypes) }
                for (path, text) in files {
                    let used = offered.intersection(areTargets ? text.imports : text.names)
                    guard let example = used.min() else { continue }
                    arrows[Arrow(folder, other)] = "\(path) names \(example)"
                }
            }
        }
    }
}

/// A Swift file as far as it says what it needs.
private struct SwiftText {
    /// All names that begin with a capital letter.
    let names: Set<String>
    /// Types at the top level that other files can see.
    let declaredTypes: Set<String>
    let imports: Set<String>

    init(_ text: String) {
        let code = Self.withoutTexts(text)
        names = Set(code.matches(of: /\b[A-Z]\w*/).map { String($0.output) })
        let declaration = /^(?:@\w+ )?(?:(?:package|public|final|indirect) )*(?:struct|class|enum|protocol|actor) (\w+)/
        declaredTypes = Set(code.matches(of: declaration.anchorsMatchLineEndings()).map { String($0.output.1) })
        let importing = /^(?:@\w+ )?(?:(?:package|public|internal) )?import (\w+)/
        imports = Set(code.matches(of: importing.anchorsMatchLineEndings()).map { String($0.output.1) })
    }

    /// The code without comments, and of its strings only what they evaluate.
    private static func withoutTexts(_ text: String) -> String {
        let part = /\/\/[^\n]*|\/\*.*?\*\/|"""(.*?)"""|"((?:\\\([^()]*(?:\([^()]*\)[^()]*)*\)|\\.|[^"\\\n])*)"/
        return text.replacing(part.dotMatchesNewlines()) { match in
            let string = match.output.1 ?? match.output.2 ?? ""
            return string.matches(of: /\\\(((?:[^()]|\([^()]*\))*)\)/).map { " \($0.output.1) " }.joined()
        }
    }
}
