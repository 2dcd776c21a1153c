import Foundation

/// A directory for one test, gone with it.
package enum TemporaryDirectory {
    private static let turnstile = Turnstile(places: 16)

    /// Hands the path of a fresh, private directory to `body`, when it is its turn.
    package static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        await turnstile.enter()
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await withFresh(body))
        } catch {
            outcome = .failure(error)
        }
        await turnstile.leave()
        return try outcome.get()
    }

    private static func withFresh<Result>(_ body: (String) async throws -> Result) async throws -> Result {
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
