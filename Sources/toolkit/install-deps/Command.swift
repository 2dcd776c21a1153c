import InterSessionCore
import Platform

/// A program with its arguments, as run and as shown. No shell comes between.
struct Command: CustomStringConvertible {
    let words: [String]

    init(_ words: String...) {
        self.words = words
    }

    init(_ words: [String]) {
        self.words = words
    }

    var description: String {
        words.map { word in
            let isPlain = !word.isEmpty && word.utf8.allSatisfy(Self.needsNoQuotes)
            return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
        }
        .joined(separator: " ")
    }

    /// Runs it with our own terminal.
    ///
    /// - Throws: ``InstallError/commandFailed(_:code:)``.
    func run() throws {
        let code = try start([.inherited(0), .inherited(1), .inherited(2)]).wait()
        guard code == 0 else { throw InstallError.commandFailed("\(self)", code: code) }
    }

    /// Runs it and returns what it prints on standard output and its exit code.
    func output() throws -> (text: String, code: Int32) {
        let (read, child) = try startReading()
        let bytes = try read.readAll(limit: 1 << 24)
        return (String(decoding: bytes, as: UTF8.self), child.wait())
    }

    /// Starts it with a pipe on its standard output.
    func startReading(environment: [String: String] = Environment.all) throws -> (Descriptor, ChildProcess) {
        let (read, write) = try Descriptor.pipe()
        let nothing = try Descriptor.openNull()
        let child = try start([.descriptor(nothing), .descriptor(write), .inherited(2)], environment: environment)
        return (read, child)
    }

    private func start(
        _ streams: [ChildProcess.Stream],
        environment: [String: String] = Environment.all
    ) throws -> ChildProcess {
        guard let path = Self.find(words[0]) else {
            throw InstallError.missing(what: "the program '\(words[0])'", install: "your system's package manager")
        }
        return try ChildProcess.spawn(path, Array(words.dropFirst()), environment: environment, streams: streams)
    }

    /// The file of a program, looked for on PATH.
    static func find(_ program: String) -> String? {
        if program.contains("/") { return File.isExecutable(program) ? program : nil }
        let places = (Environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
        return places.first(where: File.isExecutable)
    }

    private static func needsNoQuotes(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "_/.,:=@%+-".utf8.contains(byte)
        }
    }
}
