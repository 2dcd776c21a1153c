import ArgumentParser
import InterSessionCore
import Platform
import ToolSupport

/// The text to send, byte for byte as it was given.
struct MessageText {
    let value: String

    enum Failure: Error, Equatable {
        case none
        case empty(source: String)
        case notUTF8(source: String)
        case tooLong(source: String, limit: Int)
        case unreadable(String)
    }

    /// - Parameters:
    ///   - argument: the value of --text.
    ///   - file: the value of --text-file; with neither, the text comes from a pipe.
    ///   - limit: in bytes of UTF-8.
    /// - Throws: ``Failure``, before anything is sent.
    init(argument: String?, file: String?, limit: Int) throws {
        let (bytes, source) = try Self.read(argument: argument, file: file, limit: limit)
        guard !bytes.isEmpty else { throw Failure.empty(source: source) }
        guard bytes.count <= limit else { throw Failure.tooLong(source: source, limit: limit) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure.notUTF8(source: source) }
        value = text
    }

    private static func read(argument: String?, file: String?, limit: Int) throws -> ([UInt8], String) {
        if let argument { return (Array(argument.utf8), "--text") }
        if file == nil, StandardStreams.inputIsTerminal { throw Failure.none }
        let source = file.flatMap { $0 == "-" ? nil : "'\($0)'" } ?? "standard input"
        do {
            guard let file, file != "-" else { return (try StandardStreams.readInput(limit: limit), source) }
            return (try File.readAny(file, limit: limit), source)
        } catch  where error.isTooBig {
            throw Failure.tooLong(source: source, limit: limit)
        } catch {
            throw Failure.unreadable("\(error)")
        }
    }
}

extension MessageText.Failure: ToolError {
    var description: String {
        switch self {
        case .none:
            "there is no text; pipe it in, or give --text-file PATH"
        case .empty(let source):
            "the text of \(source) is empty; nothing was sent"
        case .notUTF8(let source):
            "the text of \(source) is not UTF-8; nothing was sent; convert it, or send the path of the file"
        case .tooLong(let source, let limit):
            "text_too_long: \(source) holds more than \(limit) bytes; nothing was sent; put it in a file and send its path"
        case .unreadable(let reason):
            "\(reason); nothing was sent"
        }
    }

    var exitCode: ExitCode {
        if case .none = self { .usage } else { .refused }
    }
}
