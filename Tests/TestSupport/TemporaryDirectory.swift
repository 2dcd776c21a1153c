import Foundation

/// A directory for one test, gone with it.
package enum TemporaryDirectory {
    /// Hands the path of a fresh, private directory to `body`.
    package static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(path: "is-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(url.path)
    }
}
