import Foundation
import Testing

/// A disk that is soon full.
struct SmallDisk {
    let path: String

    static func with(_ path: String, kibibytes: Int, _ body: (SmallDisk) async throws -> Void) async throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try #require(run("/bin/mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k,mode=700", "tmpfs", path) == 0)
        defer { run("/bin/umount", "-l", path) }
        try await body(SmallDisk(path: path))
    }

    private var ballast: URL { URL(filePath: "\(path)/.ballast") }

    func fill() throws {
        try Data().write(to: ballast)
        let file = try FileHandle(forWritingTo: ballast)
        // A page at a time, until there is none left.
        while (try? file.write(contentsOf: Data(count: 4096))) != nil {}
        try? file.close()
    }

    func free() throws {
        try FileManager.default.removeItem(at: ballast)
    }

    @discardableResult
    private static func run(_ program: String, _ arguments: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
