import Foundation

/// A calendar that a test sets for a process, by libfaketime. Clocks that only run on are left alone.
package struct FakeClock: Sendable {
    private let file: String

    /// - Parameter offset: such as `+15d`, `-2s`, or `+0`.
    package init(in directory: String, _ offset: String = "+0") throws {
        file = "\(directory)/clock-\(UUID().uuidString.prefix(8))"
        try set(offset)
    }

    package func set(_ offset: String) throws {
        try Data(offset.utf8).write(to: URL(filePath: file))
    }

    /// What a process needs to live by it.
    package var environment: [String: String] {
        [
            "LD_PRELOAD": Need.Places.libfaketime ?? "", "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        ]
    }
}
